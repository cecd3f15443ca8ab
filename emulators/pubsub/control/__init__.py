"""What tests ask of a running emulator beside Pub/Sub's API: faults, time, seeds, a look inside.

`Controls` says what can be done; `api` offers it over HTTP, `emulators.pubsub.testing` in process.
"""
