"""Taskiq on Redis streams, the broker of it that acks."""

import asyncio

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.bench.queue.apps.common import PAYLOAD, REDIS, produce, started

broker = RedisStreamBroker(url=f"{REDIS}/0").with_result_backend(
    RedisAsyncResultBackend(redis_url=f"{REDIS}/1")
)


@broker.task(task_name="noop")
async def noop(payload, sent_at=0.0):
    started(sent_at)
    return {"result": None}


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(broker.startup())
        produce(lambda sent_at: runner.run(noop.kiq(PAYLOAD, sent_at)))
        runner.run(broker.shutdown())
