"""Three applications in the console's namespace, as KOTS installs them, for `test_neighbours.py`."""
