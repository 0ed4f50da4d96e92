"""What people type into pages, as models: each says what is wrong with a field, and knows what to ask of an action."""
