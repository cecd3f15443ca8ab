"""Measures the Pub/Sub emulator beside Google's: `python -m tests.bench.pubsub`."""
