"""`make bench`: CloudTasker, the queues that a user would pick instead, and the floors, in turn."""
