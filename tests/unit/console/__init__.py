"""The console's pages over twins."""
