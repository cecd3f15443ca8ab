"""Celery as one sets it up to lose no task: late acks, rejected when its worker dies."""

from celery import Celery

from tests.bench.queue.apps.common import PAYLOAD, REDIS, produce, started

app = Celery("bench", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop(payload, sent_at=0.0):
    started(sent_at)
    return {"result": None}


if __name__ == "__main__":
    produce(lambda sent_at: noop.delay(PAYLOAD, sent_at))
