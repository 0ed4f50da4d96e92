"""Object stores behind the port `ObjectStore`, one file a provider; `check` tries what Snapline needs of any."""
