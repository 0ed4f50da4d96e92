"""Ways of telling people how a job ended, one file each."""
