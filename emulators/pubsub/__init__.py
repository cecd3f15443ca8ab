"""A Pub/Sub emulator: gRPC for the unmodified client libraries, push with signed tokens, SQLite.

It imports nothing of the product; `python -m emulators.pubsub` starts it.
"""
