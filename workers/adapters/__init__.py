"""The only code that touches the world: one SDK per file or folder. SDK errors are translated here."""
