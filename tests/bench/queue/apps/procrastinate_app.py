"""Procrastinate: tasks in Postgres, durable when `defer` returns, as ours are after the 202."""

import os

import procrastinate

from tests.bench.queue.apps.common import PAYLOAD, produce, started

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["BENCH_POSTGRES"])
)


@app.task(name="noop")
async def noop(payload, sent_at=0.0):
    started(sent_at)
    return {"result": None}


if __name__ == "__main__":
    with app.open():
        produce(lambda sent_at: noop.defer(payload=PAYLOAD, sent_at=sent_at))
