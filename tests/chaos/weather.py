"""The faults that can be done to a running stack, each undone by itself after a while."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

import httpx
import redis

from tests.chaos.proxy import FaultProxy
from tests.e2e.local_stack import LocalStack
from tests.support.postgres import PostgresServer

KILLED: Final = ("enqueue", "record", "relay", "dead_letter", "pubsub", "gateway")


class Weather:
    """Does one fault after another; every choice comes from `random`, and is said in `log`."""

    def __init__(
        self,
        stack: LocalStack,
        postgres: PostgresServer,
        proxy: FaultProxy,
        valkey: "ValkeyServer",
        random: Random,
    ) -> None:
        self._stack = stack
        self._postgres = postgres
        self._proxy = proxy
        self._valkey = valkey
        self._random = random
        self._timers: list[threading.Timer] = []
        self.log: list[str] = []

    def strike(self) -> None:
        """One fault, chosen by chance."""
        fault = self._random.choice(FAULTS)
        self.log.append(fault(self))

    def clear(self) -> None:
        """Undo everything that is still in force."""
        for timer in self._timers:
            timer.join()
        self._control("DELETE")

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, act)
        timer.start()
        self._timers.append(timer)

    def kill(self) -> str:
        part = self._random.choice(KILLED)
        with suppress(ProcessLookupError, KeyError):
            os.kill(self._stack.pid_of(part), signal.SIGKILL)
        return f"kill -9 {part}"

    def freeze(self) -> str:
        """Often past the lease of 30 s: another run has the task when this one comes back."""
        part = self._random.choice(("record", "enqueue", "relay", "pubsub"))
        seconds = 40.0 if part == "record" and self._random.random() < 0.3 else 4.0
        with suppress(ProcessLookupError, KeyError):
            pid = self._stack.pid_of(part)
            os.kill(pid, signal.SIGSTOP)
            self._later(seconds, lambda: _go_on(pid))
        return f"freeze {part} for {seconds:g} s"

    def cut_database(self) -> str:
        self._proxy.cut()
        return "cut every connection to Postgres"

    def slow_database(self) -> str:
        self._proxy.slow(0.05)
        self._later(4, lambda: self._proxy.slow(0))
        return "slow Postgres by 50 ms each way for 4 s"

    def hold_database(self) -> str:
        self._proxy.hold()
        self._later(8, self._proxy.release)
        return "a black hole before Postgres for 8 s"

    def stop_database(self) -> str:
        self._postgres.stop()
        time.sleep(3)
        self._postgres.start()  # in this thread: a server dies with the thread that began it
        return "stop Postgres at once for 3 s"

    def restart_cache(self) -> str:
        self._valkey.kill()
        time.sleep(2)
        self._valkey.start()
        return "kill Valkey for 2 s"

    def fill_cache(self) -> str:
        with suppress(redis.RedisError):
            self._valkey.client.config_set("maxmemory", "1mb")
            self._later(4, lambda: self._valkey.client.config_set("maxmemory", "0"))
        return "fill Valkey for 4 s"

    def flush_cache(self) -> str:
        with suppress(redis.RedisError):
            self._valkey.client.flushall()
        return "flush Valkey"

    def refuse_publish(self) -> str:
        for code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            fault = {"rpc": "Publish", "times": 5, "code": code}
            self._control("POST", fault)
            self._control("POST", {**fault, "after": True})
        return "20 publishes are refused, half of them after they were done"

    def double_pushes(self) -> str:
        self._control("POST", {"push": "*", "times": 200, "duplicate": True})
        return "200 pushes are sent twice"

    def _control(self, method: str, body: object = None) -> None:
        with suppress(httpx.HTTPError):
            url = f"{self._stack.state['pubsub_http']}/_emulator/faults"
            httpx.request(method, url, json=body, timeout=5)


FAULTS: Final[tuple[Callable[[Weather], str], ...]] = (
    Weather.kill,
    Weather.kill,
    Weather.kill,
    Weather.freeze,
    Weather.cut_database,
    Weather.slow_database,
    Weather.hold_database,
    Weather.stop_database,
    Weather.restart_cache,
    Weather.fill_cache,
    Weather.flush_cache,
    Weather.refuse_publish,
    Weather.double_pushes,
)


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


class ValkeyServer:
    """A Valkey of our own on a fixed port, which the weather may kill and start again."""

    def __init__(self, argv: list[str], port: int, folder: str) -> None:
        self._argv = argv
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=port, socket_timeout=2)
        self.start()

    def start(self) -> None:
        """Start it; it takes connections a moment later."""
        self._process = subprocess.Popen(
            self._argv, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """As kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
