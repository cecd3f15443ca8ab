"""The one-command local stack: `python -m emulators.stack`. It never imports the product."""
