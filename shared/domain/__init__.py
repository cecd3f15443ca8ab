"""The rules of the task path: pure values and functions; no I/O and no clock."""
