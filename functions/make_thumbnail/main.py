"""Entry point: one delivery in; return is the ack, an error is the nack."""

from functions.make_thumbnail import handler
from shared.edges.task_function import task_function

make_thumbnail = task_function("make_thumbnail", handler.make_thumbnail)
