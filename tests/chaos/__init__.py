"""Campaigns of faults against the whole line on real processes (`make chaos`), and its long run (`make soak`)."""
