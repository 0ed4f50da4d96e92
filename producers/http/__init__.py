"""`POST /events`: the way in for systems that speak only HTTP. It takes requests and nothing else."""
