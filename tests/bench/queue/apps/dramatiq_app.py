"""Dramatiq with Redis and its result backend; it acks late by itself."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from tests.bench.queue.apps.common import PAYLOAD, REDIS, produce, started

broker = RedisBroker(url=f"{REDIS}/0")
broker.add_middleware(Results(backend=RedisBackend(url=f"{REDIS}/1"), store_results=True))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True, max_retries=5)
def noop(payload, sent_at=0.0):
    started(sent_at)
    return {"result": None}


if __name__ == "__main__":
    produce(lambda sent_at: noop.send(PAYLOAD, sent_at))
