"""The function that a scheduler calls once a minute to bring back what is due."""
