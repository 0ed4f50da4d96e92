"""The demonstration: a whole system, snapshots, disasters, restores, and a comparison of what came back."""
