"""The REST API, one HTTP function: `main.py` is its entry, `routes.py` its whole surface."""
