"""Entry point: one delivery in; return is the ack, an error is the nack."""

from functions.record import handler

from shared.edges.task_function import task_function

record = task_function("record", handler.record)
