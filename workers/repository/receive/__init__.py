"""Makes a volume of another repository here: its chunks are opened there and sealed here, under ids of this one."""
