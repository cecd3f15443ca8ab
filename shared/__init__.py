"""Product code that more than one deployable uses."""
