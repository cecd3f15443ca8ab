"""The measures of our own stack, as `cloudtasker dev` runs it, with everything switched on."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pg8000.native
import psutil

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.adapters.pg_connection import connect_arguments
from tests.bench.queue.apps.common import PAYLOAD
from tests.bench.queue.floors import grpc_rate
from tests.bench.queue.load import latencies, percentile, rate, request
from tests.e2e.local_stack import LocalStack, eventually

BATCH: Final = 100
TASK: Final = {"task_type": "noop", "payload": {"result": PAYLOAD}}
ENQUEUE: Final = "/cloudtasker.v1.TaskService/EnqueueTask"


class Ours:
    """Measures on a running stack. Each leaves it with nothing to do."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.url: str = stack.state["rest"]
        self._post = request("POST", self.url, "/enqueue-task", TASK)
        self.connect()

    def connect(self) -> None:
        """Take a connection to the database, again after its restart."""
        self.database = pg8000.native.Connection(**connect_arguments(self.stack.state["postgres"]))

    def close(self) -> None:
        """Let the database go."""
        self.database.close()

    def end_to_end(self, count: int) -> tuple[float, float, float]:
        """Tasks a second from the first POST to the last result row, 64 in flight.

        Returns: that rate, the rate of the POSTs meanwhile, and the CPU seconds a task of all
        processes of the stack together.
        """
        before, began = self._cpu(), time.perf_counter()
        posts = rate(self.url, self._post, count)
        self.all_done()
        seconds = time.perf_counter() - began
        return count / seconds, posts, (self._cpu() - before) / count

    def enqueue_rate(self, count: int) -> float:
        """POSTs a second, 64 in flight, while the function is held: nothing else runs."""
        with self.held():
            posts = rate(self.url, self._post, count)
        self.all_done()
        return posts

    def batch_rate(self, count: int) -> float:
        """Tasks a second in batches of 100, four calls at once, while the function is held."""
        message = request("POST", self.url, "/enqueue-tasks", {"tasks": [TASK] * BATCH})
        with self.held():
            calls = rate(
                self.url, message, count // BATCH, in_flight=4, wanted=self._batch_status()
            )
        self.all_done()
        return calls * BATCH

    def _batch_status(self) -> int:
        answer = httpx.post(f"{self.url}/enqueue-tasks", json={"tasks": [TASK]}, timeout=30)
        return answer.raise_for_status().status_code

    def takes_tasks(self) -> bool:
        """Whether a task is accepted now; then it is one more."""
        return httpx.post(f"{self.url}/enqueue-task", json=TASK, timeout=30).status_code == 202

    def drain_rate(self, count: int, task: Mapping[str, Any] = TASK) -> float:
        """Tasks a second of a backlog of `count`, from the moment that the function is let go."""
        with self.held():
            self.fill(count, task)
        began = time.perf_counter()
        self.all_done()
        return count / (time.perf_counter() - began)

    def fill(self, count: int, task: Mapping[str, Any] = TASK) -> None:
        """Hand in `count` tasks, in batches; as many as whole batches of 500 hold."""
        message = request("POST", self.url, "/enqueue-tasks", {"tasks": [task] * 500})
        rate(self.url, message, -(-count // 500), in_flight=2, wanted=self._batch_status())

    def idle_posts(self, count: int = 200) -> list[float]:
        """Seconds of single POSTs with pauses, sorted."""
        found = latencies(self.url, self._post, count)
        self.all_done()
        return found

    def idle_starts(self, count: int = 200) -> list[float]:
        """Seconds from before the POST to the outcome's own statement, sorted.

        The handler has then begun and ended: a little more than its start.
        """
        label = f"starts-{time.time_ns()}"
        body = {**TASK, "labels": {"run": label}}
        message = request("POST", self.url, "/enqueue-task", body)
        sent: list[float] = asyncio.run(self._sent(message, count))
        self.all_done()
        rows = self.database.run(
            "SELECT extract(epoch FROM finished_at)::float8 FROM tasks"
            " WHERE labels @> CAST(:label AS jsonb) ORDER BY id",
            label=json.dumps({"run": label}),
        )
        return sorted(float(row[0]) - at for row, at in zip(rows, sent, strict=True))

    async def _sent(self, message: bytes, count: int) -> list[float]:
        from tests.bench.queue.load import connect

        connection = await connect(self.url)
        sent = []
        for _ in range(count):
            await asyncio.sleep(0.015)
            sent.append(time.time())
            await connection.ask(message)
        connection.close()
        return sent

    def reads(self, count: int = 200) -> float:
        """Median seconds of GET /tasks/{id} of tasks that wait."""
        rows = self.database.run(
            "SELECT id FROM tasks WHERE finished_at IS NULL ORDER BY id LIMIT 50"
        )
        took: list[float] = []
        for [task_id] in rows:
            message = request("GET", self.url, f"/tasks/{task_id}")
            took += latencies(self.url, message, count // 50, 0.005)
        return percentile(sorted(took), 0.5)

    def grpc_rate(self, count: int, in_flight: int = 16) -> float:
        """EnqueueTask calls a second, while the function is held."""
        asked = pb.EnqueueTaskRequest(task_type="noop", payload_json=json.dumps(TASK["payload"]))
        message = asked.SerializeToString()
        with self.held():
            found = asyncio.run(
                grpc_rate(self.stack.state["grpc"], ENQUEUE, message, count, in_flight)
            )
        self.all_done()
        return found

    def backlog(self, count: int) -> dict[str, float]:
        """With `count` tasks waiting: the POST, the read, the drain of 2,000 more, the disk.

        The backlog is held all the while, but for the drain.
        """
        empty = self._disk()
        with self.held():
            self.fill(count)
            post = percentile(latencies(self.url, self._post), 0.5)
            read = self.reads()
            bytes_a_task = (self._disk() - empty) / count
        drained = self._drained(min(count, 6000))
        return {"post": post, "read": read, "bytes": bytes_a_task, "drain": drained}

    def _drained(self, most: int) -> float:
        """Results a second until `most` have come or ten seconds are over."""
        first, began = self.waiting(), time.perf_counter()
        while (done := first - self.waiting()) < most and time.perf_counter() - began < 10:
            time.sleep(0.1)
        return done / (time.perf_counter() - began)

    def idle_cost(self, seconds: float = 20) -> tuple[float, float]:
        """With nothing to do: share of a core of all processes, and the MB (RSS) of the API, the
        emulator and one function."""
        before = self._cpu()
        time.sleep(seconds)
        share = (self._cpu() - before) / seconds
        self.stack.reread()
        pids = self.stack.state["pids"]
        parts = [pids[name] for name in ("enqueue", "pubsub", "noop") if name in pids]
        return share, sum(psutil.Process(pid).memory_info().rss for pid in parts) / 1e6

    def waiting(self) -> int:
        """How many tasks are not finished."""
        [[waiting]] = self.database.run("SELECT count(*) FROM tasks WHERE finished_at IS NULL")
        return int(waiting)

    def _disk(self) -> float:
        [[size]] = self.database.run("SELECT pg_total_relation_size('tasks')")
        emulator = self.stack.data_dir / "pubsub"
        files = sum(file.stat().st_size for file in emulator.rglob("*") if file.is_file())
        return float(size) + files

    def all_done(self) -> None:
        """Return once no task is left."""
        eventually(lambda: self.waiting() == 0, 600, "every task is done")

    def _cpu(self) -> float:
        """CPU seconds of every process of the stack so far."""
        total = 0.0
        for process in self._family():
            try:
                used = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += used.user + used.system
        return total

    def _family(self) -> list[psutil.Process]:
        supervisor = psutil.Process(self.stack.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """The processes of the task's function are stopped: what is handed in waits."""
        self.stack.reread()
        names = self.stack.state["pids"].items()
        pids = [pid for name, pid in names if name.partition("-")[0] == "noop"]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


def started(stack: LocalStack) -> dict[str, Any]:
    """Seconds of a first start and of a start on kept data; the stack runs afterwards."""
    first = stack.start()
    stack.stop()
    return {"first": first, "kept": stack.start()}
