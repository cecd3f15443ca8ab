"""Callers who keep asking while something is down, and what each of them was told."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Told:
    """One answer: 0 is the status of a request that got none."""

    key: str
    status: int
    seconds: float
    retry_after: str | None


def ask_for(rest: str, label: str, seconds: float, callers: int = 20) -> list[Told]:
    """All answers to `callers` who ask again and again for so long, each time for another task."""
    return asyncio.run(_ask_for(rest, label, seconds, callers))


def ask_again(rest: str, label: str, keys: list[str], limit: float) -> float:
    """Repeat the requests of these keys until each is accepted; the seconds that it took.

    Raises: TimeoutError after `limit` seconds.
    """
    began = time.monotonic()
    asyncio.run(_ask_again(rest, label, keys, limit))
    return time.monotonic() - began


async def _ask_for(rest: str, label: str, seconds: float, callers: int) -> list[Told]:
    end = time.monotonic() + seconds
    told: list[Told] = []

    async def caller(name: int) -> None:
        n = 0
        while time.monotonic() < end:
            n += 1
            told.append(await _ask(session, rest, label, f"{label}-{name}-{n}"))
            await asyncio.sleep(0.2)

    async with _session() as session:
        await asyncio.gather(*(caller(name) for name in range(callers)))
    return told


async def _ask_again(rest: str, label: str, keys: list[str], limit: float) -> None:
    async def until_accepted(key: str) -> None:
        status = 0
        while status != 202:
            status = (await _ask(session, rest, label, key)).status
            await asyncio.sleep(0 if status == 202 else 0.2)

    async with _session() as session, asyncio.timeout(limit):
        await asyncio.gather(*(until_accepted(key) for key in keys))


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=60), connector=aiohttp.TCPConnector(limit=50)
    )


async def _ask(session: aiohttp.ClientSession, rest: str, label: str, key: str) -> Told:
    body: dict[str, Any] = {
        "task_type": "noop",
        "payload": {},
        "labels": {"test": label},
        "idempotency_key": key,
    }
    began = time.monotonic()
    try:
        async with session.post(f"{rest}/enqueue-task", json=body) as answer:
            await answer.read()
            again = answer.headers.get("Retry-After")
            return Told(key, answer.status, time.monotonic() - began, again)
    except aiohttp.ClientError:
        return Told(key, 0, time.monotonic() - began, None)
