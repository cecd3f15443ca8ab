"""Entry point: one delivery in; return is the ack, an error is the nack."""

from functions.deliver_webhook import handler
from shared.edges.task_function import task_function

deliver_webhook = task_function("deliver_webhook", handler.deliver_webhook)
