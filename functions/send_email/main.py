"""Entry point: one delivery in; return is the ack, an error is the nack."""

from functions.send_email import handler
from shared.edges.task_function import task_function

send_email = task_function("send_email", handler.send_email)
