"""The provider `azure`: Azure Blob Storage. The only importer of Azure's SDK."""

from workers.adapters.stores.azure.store import AzureObjectStore

__all__ = ["AzureObjectStore"]
