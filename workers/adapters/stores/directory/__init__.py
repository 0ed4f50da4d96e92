"""The provider `directory`: objects as files of a mounted share, or of this machine's disk."""

from workers.adapters.stores.directory.store import DirectoryObjectStore

__all__ = ["DirectoryObjectStore"]
