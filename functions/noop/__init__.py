"""The task type `noop`: does nothing, slowly or badly if it is told to."""
