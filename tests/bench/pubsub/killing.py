"""One emulator that is killed again and again while it is published to and pulled from."""

import asyncio
import itertools
import json
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import grpc

from emulators.pubsub import protos
from tests.bench.pubsub.promises import Promises
from tests.bench.pubsub.raw import Raw
from tests.support.ports import free_port

ROOT = Path(__file__).parents[3]
TOPIC = "projects/kills/topics/letters"
PLAIN, ORDERED, ONCE = (
    f"projects/kills/subscriptions/{name}" for name in ("plain", "ordered", "once")
)
PUBLISHERS, KEYS = 3, ("red", "blue")
LONGEST_LIFE, LATEST_DELIVERY = 0.4, 30.0
KILLED_WHILE_STARTING = 0.1  # the share of starts that are killed too
# What a caller is told by a connection that breaks.
GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}


class Victim:
    """The emulator's process: always the same folder and port."""

    def __init__(self, folder: Path, durability: str) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._command = [
            *(sys.executable, "-m", "emulators.pubsub", "--durability", durability),
            *("--data-dir", str(folder), "--port", str(self.port), "--http-port", "0"),
        ]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, without waiting until it serves."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, cwd=ROOT, text=True)

    async def ready(self) -> None:
        """Return once it serves. Raises: RuntimeError with what it said instead."""
        first = await asyncio.to_thread(self._process.stdout.readline)
        if not first or "grpc" not in json.loads(first):
            raise RuntimeError(f"the emulator does not start again: {first or 'it ended'}")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process.stdout.close()


class Kills:
    """Repeats: load, kill, start again, look whether every promise was kept."""

    def __init__(self, folder: Path, durability: str, seed: int) -> None:
        self.promises = Promises((PLAIN, ORDERED, ONCE))
        self.kills = 0
        self._random = random.Random(seed)
        self._victim = Victim(folder, durability)
        self._numbers = itertools.count(1)

    async def run(self, times: int, each: Callable[[], None] = lambda: None) -> None:
        """Kill `times` times, calling `each` after every one; stops at the first broken promise."""
        self._victim.start()
        try:
            await self._victim.ready()
            await self._prepare()
            while self.kills < times and not self.promises.broken:
                await self._live_and_die()
                await self._start_again()
                await self._settle()
                each()
        finally:
            self._victim.kill()

    async def _prepare(self) -> None:
        async with Raw(self._victim.address) as raw:
            await raw.create_topic(TOPIC)
            await raw.create_subscription(PLAIN, TOPIC)
            await raw.create_subscription(ORDERED, TOPIC, enable_message_ordering=True)
            await raw.create_subscription(ONCE, TOPIC, enable_exactly_once_delivery=True)

    async def _live_and_die(self) -> None:
        async with Raw(self._victim.address) as raw:
            loads = [self._publish(raw, "") for _ in range(PUBLISHERS)]
            loads += [self._publish(raw, key) for key in KEYS]
            loads += [self._consume(raw, name) for name in (PLAIN, ORDERED, ONCE, ONCE)]
            tasks = [asyncio.create_task(self._until_gone(load)) for load in loads]
            await asyncio.sleep(self._random.uniform(0.02, LONGEST_LIFE))
            self._kill()
            await asyncio.wait(tasks, timeout=1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _kill(self) -> None:
        self._victim.kill()
        self.kills += 1

    async def _start_again(self) -> None:
        self._victim.start()
        while self._random.random() < KILLED_WHILE_STARTING:
            await asyncio.sleep(self._random.uniform(0.1, 0.6))
            self._kill()
            self._victim.start()
        await self._victim.ready()

    async def _settle(self) -> None:
        """Pull until nothing is missing, for a limited time."""
        async with Raw(self._victim.address) as raw:
            for name in (PLAIN, ORDERED, ONCE):
                with suppress(TimeoutError):
                    async with asyncio.timeout(LATEST_DELIVERY):
                        while self.promises.missing(name):
                            await self._consume_once(raw, name, nacks=False)
                if missing := sorted(self.promises.missing(name)):
                    self.promises.broken.append(f"{name}: {missing[:20]} never came")

    async def _until_gone(self, load) -> None:
        """Run until the emulator is gone; any other end of a call is a broken promise."""
        try:
            await load
        except grpc.aio.AioRpcError as error:
            if error.code() not in GONE:
                self.promises.broken.append(f"{error.code()}: {error.details()}")

    async def _publish(self, raw: Raw, key: str) -> None:
        while True:
            numbers = [next(self._numbers) for _ in range(self._random.randint(1, 20))]
            padding = bytes(self._random.choice((10, 1000, 5000)))
            await raw.publish(
                TOPIC,
                [
                    protos.PubsubMessage(data=b"%d " % number + padding, ordering_key=key)
                    for number in numbers
                ],
            )
            self.promises.answered(numbers)

    async def _consume(self, raw: Raw, name: str) -> None:
        while True:
            await self._consume_once(raw, name, nacks=True)

    async def _consume_once(self, raw: Raw, name: str, *, nacks: bool) -> None:
        received = await raw.pull(name, self._random.randint(1, 200))
        numbers = {one.ack_id: int(one.message.data.split()[0]) for one in received}
        for one in received:
            self.promises.delivered(name, numbers[one.ack_id], one.message.ordering_key)
        if nacks and received and self._random.random() < 0.2:
            await raw.modify(name, [received.pop().ack_id], 0)
        ack_ids = [one.ack_id for one in received]
        if ack_ids:
            await raw.acknowledge(name, ack_ids)
            if name == ONCE:
                self.promises.confirmed(name, [numbers[ack_id] for ack_id in ack_ids])
