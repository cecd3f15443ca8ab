"""The function that every dead-letter topic feeds."""
