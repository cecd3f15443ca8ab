"""Use cases on ports: what happens, in the order in which it happens."""
