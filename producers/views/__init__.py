"""What anybody can see: typed values from the records in the object store and from the event feed."""
