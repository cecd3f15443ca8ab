"""The one-command local stack: `python -m emulators.stack`. Starts the product over the wire only."""
