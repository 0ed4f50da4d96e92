"""What is done to the repository as a whole: prune, check, verify, repair the index, recover the keys."""
