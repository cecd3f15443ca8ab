"""Entry point: one delivery in; return is the ack, an error is the nack."""

from functions.noop import handler
from shared.edges.task_function import task_function

noop = task_function("noop", handler.noop)
