"""`PubSubEmulator`: an emulator in a thread of this process, and the control API as methods."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from google.protobuf.json_format import ParseDict

from emulators.pubsub import protos
from emulators.pubsub.options import Options
from emulators.pubsub.testing.loop_thread import LoopThread

VARIABLE = "PUBSUB_EMULATOR_HOST"
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """A message as published, and what has become of it so far.

    `state` is ready, outstanding, delayed, held or exhausted; of a topic's messages: published.
    """

    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    ordering_key: str
    published_at: datetime
    state: str
    failed_deliveries: int


class PubSubEmulator:
    """A Pub/Sub emulator on free ports of 127.0.0.1, from `with` to the end of the block.

    It keeps nothing on disk unless `data_dir` is given. Inside the block PUBSUB_EMULATOR_HOST
    leads all client libraries here, unless `set_environment` is off. Several may run at once.
    """

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        seed: object = None,
        lenient: bool = False,
        push_backoff: bool = True,
        enforce_iam: bool = False,
        set_environment: bool = True,
    ) -> None:
        self._thread = LoopThread(
            Options(
                port=0,
                http_port=0,
                data_dir=data_dir or Path(),
                durability="normal" if data_dir else "memory",
                lenient=lenient,
                push_backoff=push_backoff,
                enforce_iam=enforce_iam,
            )
        )
        self._seed = seed
        self._set_environment = set_environment
        self._former: str | None = None
        self.clock = EmulatorClock(self._thread)
        self.faults = EmulatorFaults(self._thread)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve. Raises: EmulatorError (data folder in use), PubSubError (wrong seed)."""
        port, http_port = self._thread.start()
        self._thread.call(lambda emulator: emulator.controls.record())
        self.host = f"127.0.0.1:{port}"
        self.http_url = f"http://127.0.0.1:{http_port}"
        self.environment = {VARIABLE: self.host}
        if self._set_environment:
            self._former = os.environ.get(VARIABLE)
            os.environ.update(self.environment)
        if self._seed is not None:
            try:
                self.seed(self._seed)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop serving, and put the environment back."""
        if self._set_environment:
            if self._former is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = self._former
        self._thread.stop()

    def reset(self, project: str = "") -> None:
        """Delete everything, or all of one project; everything means faults and clock too."""
        self._thread.run(lambda emulator: emulator.controls.reset(project))

    def seed(self, document: object) -> dict[str, Any]:
        """Make the resources and messages of a seed; return what was made and what was there.

        Raises: PubSubError, naming what is wrong or exists otherwise.
        """
        return self._thread.run(lambda emulator: emulator.controls.seed(document))

    def dump(self) -> dict[str, Any]:
        """Return all resources in the form of a seed, and the backlogs."""
        return self._thread.run(lambda emulator: emulator.controls.dump())

    def messages(self, name: str) -> list[Message]:
        """Return what waits in a subscription, or what was published to a topic, oldest first.

        Nothing is leased. A topic's are all since it was created, up to 64 MB over all topics.
        Raises: NotFound.
        """
        if "/topics/" in name:
            published = self._thread.call(lambda emulator: emulator.controls.published(name))
            return [_as_message(row) for row in published]
        found: list[Message] = []
        token = ""
        while True:
            page = self._peek(name, token)
            found += map(_as_message, page["messages"])
            token = page["next_page_token"]
            if not token:
                return found

    def _peek(self, subscription: str, token: str) -> dict[str, Any]:
        return self._thread.call(lambda emulator: emulator.controls.peek(subscription, PAGE, token))


class EmulatorClock:
    """The clock of an emulator."""

    def __init__(self, thread: LoopThread) -> None:
        self._thread = thread

    def now(self) -> datetime:
        """Return the time as the emulator sees it."""
        seconds = self._thread.call(lambda emulator: emulator.controls.clock())["now_seconds"]
        return datetime.fromtimestamp(seconds, UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass at once: deadlines, back-offs, retention, expiry, all before it returns."""
        self._thread.run(lambda emulator: emulator.controls.advance(seconds))


class EmulatorFaults:
    """The faults of an emulator."""

    def __init__(self, thread: LoopThread) -> None:
        self._thread = thread

    def add(self, **fields: object) -> int:
        """Put a fault in force; the fields are the control API's. Return its id.

        Raises: InvalidArgument, naming the field.
        """
        return self._thread.call(lambda emulator: emulator.faults.add(fields)).id

    def fired(self, fault_id: int) -> int:
        """Return how often a fault has fired. Raises: NotFound."""
        return self._thread.call(lambda emulator: emulator.faults.fired(fault_id))

    def list(self) -> list[dict[str, Any]]:
        """Return all faults, also those that are used up."""
        return self._thread.call(lambda emulator: emulator.faults.list())

    def clear(self) -> None:
        """Forget all faults."""
        self._thread.call(lambda emulator: emulator.faults.clear())


def _as_message(row: Mapping[str, Any]) -> Message:
    message = ParseDict(row["message"], protos.PubsubMessage())
    return Message(
        data=message.data,
        attributes=dict(message.attributes),
        message_id=message.message_id,
        ordering_key=message.ordering_key,
        published_at=message.publish_time.ToDatetime(UTC),
        state=row["state"],
        failed_deliveries=row["failed_deliveries"],
    )
