"""Callers under bad weather: each request has a key, and is repeated until there is an answer."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp


@dataclass
class Told:
    """The first ledger: what the callers were told."""

    ids: dict[str, set[str]] = field(default_factory=dict)
    """Task ids by idempotency key; more than one is a broken promise."""
    seconds: list[float] = field(default_factory=list)
    unknown: int = 0
    """Requests that were never answered, however often they were repeated."""
    refused: int = 0
    """Answers 503 and broken connections on the way."""
    strange: list[str] = field(default_factory=list)
    """Answers that no caller should ever see."""


class Clients:
    """Hand in `per_second` tasks a second in a thread of their own, until told to stop."""

    def __init__(self, rest: str, effects: str, random: Random, per_second: float) -> None:
        self.told = Told()
        self._rest = rest
        self._effects = effects
        self._random = random
        self._per_second = per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Hand in no more, and wait until every request has its answer or is given up."""
        self._stopping.set()
        self._thread.join(120)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=15)
        connector = aiohttp.TCPConnector(limit=200, force_close=True)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            asked: set[asyncio.Task[None]] = set()
            n = 0
            began = time.monotonic()
            while not self._stopping.is_set():
                n += 1
                task = asyncio.ensure_future(self._ask(session, f"chaos-{n}"))
                asked.add(task)
                task.add_done_callback(asked.discard)
                await asyncio.sleep(max(0.0, began + n / self._per_second - time.monotonic()))
            if asked:
                await asyncio.wait(asked)

    def _body(self, key: str) -> dict[str, Any]:
        slow = self._random.random() < 0.05
        payload = {
            "file": self._effects,
            "sleep_seconds": self._random.choice((1, 5, 12)) if slow else 0,
            "fail_times": 1 if self._random.random() < 0.1 else 0,
        }
        return {"task_type": "record", "payload": payload, "idempotency_key": key}

    async def _ask(self, session: aiohttp.ClientSession, key: str) -> None:
        body, began = self._body(key), time.monotonic()
        for _ in range(40):
            try:
                async with session.post(f"{self._rest}/enqueue-task", json=body) as answer:
                    said = await answer.json()
                    if answer.status == 202:
                        self.told.ids.setdefault(key, set()).add(said["task_id"])
                        self.told.seconds.append(time.monotonic() - began)
                        return
                    if answer.status != 503:
                        self.told.strange.append(f"{answer.status} {said}")
                        return
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # nobody knows whether it was taken: the key makes a repeat safe
            self.told.refused += 1
            await asyncio.sleep(0.3 + self._random.random())
        self.told.unknown += 1
