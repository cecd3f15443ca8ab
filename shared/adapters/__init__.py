"""The ports' implementations: one file for each outside thing."""
