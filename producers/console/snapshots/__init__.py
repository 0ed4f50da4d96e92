"""What the pages about snapshots share: what was last listed, what was asked for here, which jobs are followed."""
