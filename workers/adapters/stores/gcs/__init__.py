"""The provider `gcs`: Google Cloud Storage. The only importer of Google's SDK."""

from workers.adapters.stores.gcs.store import GcsObjectStore

__all__ = ["GcsObjectStore"]
