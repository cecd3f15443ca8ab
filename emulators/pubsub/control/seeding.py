"""Makes the resources that a seed describes, through the same RPCs as everybody else.

Safe to repeat: what exists as described stays as it is, and its topic gets no messages again.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from emulators.pubsub.control.comparing import differences, without_output
from emulators.pubsub.control.fields import Fields
from emulators.pubsub.control.resources import API, SCHEMAS, SUBSCRIPTIONS, TOPICS, Kind, Resources
from emulators.pubsub.control.seed_messages import Batch, batch, parsed
from emulators.pubsub.control.seed_policies import make_policy, policy
from emulators.pubsub.control.seed_schemas import make_schemas, rename
from emulators.pubsub.errors import AlreadyExists, PubSubError
from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.names import DELETED_TOPIC

# In the order in which one needs the other.
KINDS = (SCHEMAS, TOPICS, SUBSCRIPTIONS)
# A dump has these too; they tell what was there, not what is to be made.
TOLD_ONLY = ("backlog", "snapshots")
KEYS = [*(kind.key for kind in KINDS), "policies", "messages", *TOLD_ONLY]


@dataclass(slots=True)
class Seeded:
    """What a seed did, by resource name."""

    created: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    published: int = 0


class Seeder:
    """Applies seeds. Nothing of a seed is made if its form is wrong."""

    def __init__(self, resources: Resources, policies: Policies) -> None:
        self._resources = resources
        self._policies = policies

    async def apply(self, document: object) -> Seeded:
        """Make what `document` describes: schemas, topics, subscriptions, policies, messages.

        Raises: InvalidArgument (form), AlreadyExists (it is there, but otherwise), and whatever
        the RPCs refuse; each names the resource.
        """
        fields = Fields("seed", document)
        schemas, topics, subscriptions = (self._parsed(kind, fields) for kind in KINDS)
        policies = [policy(number, row) for number, row in enumerate(fields.rows("policies"))]
        batches = [batch(number, row) for number, row in enumerate(fields.rows("messages"))]
        seeded = Seeded(ignored=[key for key in TOLD_ONLY if fields.drop(key)])
        fields.end(KEYS)
        renamed = await make_schemas(self._resources, schemas, seeded.created, seeded.unchanged)
        for topic in topics:
            rename(topic, renamed)
        await self._make_all(TOPICS, topics, seeded)
        await self._make_all(SUBSCRIPTIONS, subscriptions, seeded)
        for name, wanted in policies:
            await self._set_policy(name, wanted, seeded)
        for of_topic in batches:
            await self._publish(of_topic, seeded)
        return seeded

    def _parsed(self, kind: Kind, fields: Fields) -> list[Any]:
        return [
            parsed(f"seed: {kind.key}[{number}]", row, self._resources.new(kind))
            for number, row in enumerate(fields.rows(kind.key))
        ]

    async def _make_all(self, kind: Kind, wanted: list[Any], seeded: Seeded) -> None:
        await asyncio.gather(*(self._make(kind, one, seeded) for one in wanted))

    async def _make(self, kind: Kind, wanted: Any, seeded: Seeded) -> None:
        without_output(wanted)
        if kind is SUBSCRIPTIONS and wanted.topic == DELETED_TOPIC:
            seeded.ignored.append(wanted.name)
            return
        try:
            await self._resources.create(kind, wanted)
        except AlreadyExists:
            await self._compare(kind, wanted)
            seeded.unchanged.append(wanted.name)
        except PubSubError as error:
            raise _named(wanted.name, error) from error
        else:
            seeded.created.append(wanted.name)

    async def _compare(self, kind: Kind, wanted: Any) -> None:
        differing = differences(wanted, await self._resources.get(kind, wanted.name))
        if differing:
            raise AlreadyExists(
                f"seed: {wanted.name!r} exists with another {', '.join(differing)}: "
                "change the seed, or delete it or reset first"
            )

    async def _set_policy(self, name: str, wanted: Any, seeded: Seeded) -> None:
        try:
            await make_policy(
                self._resources, self._policies, name, wanted, unchanged=seeded.unchanged
            )
        except AlreadyExists:
            raise
        except PubSubError as error:
            raise _named(f"policy of {name!r}", error) from error

    async def _publish(self, of_topic: Batch, seeded: Seeded) -> None:
        if of_topic.topic in seeded.unchanged:
            return
        for message in of_topic.messages:  # one by one: a request takes one ordering key only
            try:
                await self._resources.call(
                    f"{API}.Publisher/Publish", topic=of_topic.topic, messages=[message]
                )
            except PubSubError as error:
                raise _named(f"messages for {of_topic.topic!r}", error) from error
            seeded.published += 1


def _named(name: str, error: PubSubError) -> PubSubError:
    return type(error)(f"seed: {name}: {error}", *error.details)
