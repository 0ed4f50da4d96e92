"""What a cluster lacks for an installation, before anything is applied."""
