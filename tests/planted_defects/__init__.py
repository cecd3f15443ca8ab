"""One-line defects in the Pub/Sub emulator's delivery rules, each of which must turn a test red."""
