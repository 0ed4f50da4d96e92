"""Every shape that crosses a boundary. Pure: no I/O, imports nothing of ours but itself."""
