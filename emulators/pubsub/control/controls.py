"""All that a test may ask of a running emulator, as methods; each runs on the emulator's loop."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from google.protobuf.json_format import MessageToDict

from emulators.pubsub.broker import Broker
from emulators.pubsub.clock import LoopClock
from emulators.pubsub.control.faults import Faults
from emulators.pubsub.control.peeking import as_row, peek
from emulators.pubsub.control.recorder import Recorder
from emulators.pubsub.control.resources import SCHEMAS, SNAPSHOTS, SUBSCRIPTIONS, TOPICS, Resources
from emulators.pubsub.control.seed_policies import dumped as dumped_policies
from emulators.pubsub.control.seed_schemas import revisions
from emulators.pubsub.control.seeding import Seeder
from emulators.pubsub.documents import Documents
from emulators.pubsub.errors import InvalidArgument

# In the order in which nothing is deleted that another still needs.
KINDS = (SUBSCRIPTIONS, SNAPSHOTS, TOPICS, SCHEMAS)
AHEAD = "wall_ahead_ns"


class Controls:
    """The control of one emulator. Every method raises PubSubError for bad input."""

    def __init__(
        self,
        resources: Resources,
        broker: Broker,
        clock: LoopClock,
        faults: Faults,
        projects: Callable[[], Iterable[str]],
        advances: Documents,
    ) -> None:
        self.faults = faults
        self._resources = resources
        self._broker = broker
        self._clock = clock
        self._projects = projects
        self._advances = advances
        clock.wall_ahead_ns = int(advances.get(AHEAD) or 0)
        self._seeder = Seeder(resources, broker.policies)
        self._recorder = Recorder()

    def health(self) -> dict[str, object]:
        """Return that it serves, and how much it holds."""
        topics, subscriptions = len(self._broker.topics), len(self._broker.subscriptions)
        return {"status": "ok", "topics": topics, "subscriptions": subscriptions}

    def state(self) -> dict[str, object]:
        """Return the names of all topics, and of each subscription its topic and backlog."""
        return {"topics": sorted(self._broker.topics), "subscriptions": self._backlog()}

    async def reset(self, project: str = "") -> dict[str, list[str]]:
        """Delete everything, or all of `projects/{project}`; return the names.

        A reset of everything clears the faults too, and sets the wall clock to the machine's.
        """
        deleted: list[str] = []
        for kind in KINDS:
            names = [one.name for one in await self._all(kind, project)]
            await asyncio.gather(*(self._resources.delete(kind, name) for name in names))
            deleted += names
        await self._forget_policies(f"projects/{project}" if project else "")
        if not project:
            self.faults.clear()
            self._clock.forget_advances()
            await self._keep_advance()
        return {"deleted": deleted}

    async def dump(self) -> dict[str, object]:
        """Return all resources in the form of a seed, and each subscription's backlog."""
        kinds = {kind.key: await self._all(kind, "") for kind in KINDS}
        schemas = [await revisions(self._resources, one.name) for one in kinds["schemas"]]
        kinds["schemas"] = [revision for one in schemas for revision in one]
        dumped = {key: [MessageToDict(one) for one in kinds[key]] for key in sorted(kinds)}
        policies = dumped_policies(self._broker.policies)
        return dumped | {"policies": policies, "backlog": self._backlog()}

    async def seed(self, document: object) -> dict[str, object]:
        """Make what `document` describes; return what was made and what was there."""
        return asdict(await self._seeder.apply(document))

    def clock(self) -> dict[str, float]:
        """Return the emulator's time and how far it is ahead of the machine's."""
        wall = self._clock.wall_ns() / 1e9
        return {"now_seconds": wall, "ahead_seconds": self._clock.wall_ahead_ns / 1e9}

    async def advance(self, seconds: float) -> dict[str, float]:
        """Let time pass at once; return the time, when all that it brought about is durable."""
        try:
            self._clock.advance(seconds)
        except ValueError as error:
            raise InvalidArgument(f"advance_seconds: {error}") from error
        await self._keep_advance()
        return self.clock()

    def peek(self, subscription: str, limit: int, after: str) -> dict[str, object]:
        """Return up to `limit` unacked messages after the page token, leasing none."""
        return peek(self._broker.subscription(subscription), limit, after)

    async def _keep_advance(self) -> None:
        """Let a restart on the same data go on at the same distance to the machine's clock."""
        self._advances.put(AHEAD, str(self._clock.wall_ahead_ns).encode())
        await self._broker.journal.commit()

    async def _forget_policies(self, project: str) -> None:
        """Drop what is left when the resources are gone: of projects and service accounts."""
        for name in list(self._broker.policies):
            if not project or f"{name}/".startswith(f"{project}/"):
                self._broker.policies.forget(name)
        await self._broker.journal.commit()

    def record(self) -> None:
        """Remember from now on what is published, for `published`."""
        self._broker.on_published = self._recorder.published

    def published(self, topic: str) -> list[dict[str, object]]:
        """Return all recorded messages of a topic, in the form of a peek."""
        return [
            as_row(message, "published", 0)
            for message in self._recorder.of(self._broker.topic(topic))
        ]

    def _backlog(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"topic": subscription.resource.topic} | subscription.counts()
            for name, subscription in self._broker.subscriptions.items()
        }

    async def _all(self, kind: Any, project: str) -> list[Any]:
        projects = [f"projects/{project}"] if project else sorted(self._projects())
        return [one for each in projects for one in await self._resources.of_project(kind, each)]
