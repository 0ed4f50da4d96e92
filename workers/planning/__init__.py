"""What a restore decides before it touches anything: the step that writes it down and whoever wants to see it before
ask the same functions. Nothing here changes a cluster or a store."""
