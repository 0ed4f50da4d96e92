"""Container images made from what the machine has: no registry and no Docker; as `docker save` would write them.

    python -m deploy.local.image OUT.tar

writes the one of this checkout, and prints its name.
"""
