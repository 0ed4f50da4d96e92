"""The volume repository: its format, what it promises, and what it does when things break."""
