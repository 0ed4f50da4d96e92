"""How captured objects come back: what is deleted first, in which order, in which shape, and when they are ready."""
