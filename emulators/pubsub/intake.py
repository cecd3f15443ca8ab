"""What a topic does to messages before they are stored: transforms first, then its schema."""

import secrets
from collections.abc import Sequence

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.messages import problem_of
from emulators.pubsub.protos import PubsubMessage, Subscription, Topic
from emulators.pubsub.schemas.publishing import SchemaCheck
from emulators.pubsub.transforms.chain import Failed, Outcome
from emulators.pubsub.transforms.runner import TransformRunner
from emulators.pubsub.transforms.settings import enabled


class Intake:
    """Approves the schemas and transforms that resources are given, and applies the topics'."""

    def __init__(
        self, schemas: SchemaCheck, transforms: TransformRunner, *, limits: Limits = DOCUMENTED
    ) -> None:
        self._schemas = schemas
        self._transforms = transforms
        self._limits = limits

    async def topic(self, resource: Topic, old: Topic | None) -> None:
        """Refuse a topic whose new schema settings or transforms cannot be used.

        Raises: InvalidArgument, NotFound (schema, revision), Unimplemented, FailedPrecondition
        (what runs them is not installed).
        """
        settings = resource.schema_settings
        if resource.HasField("schema_settings") and not (old and old.schema_settings == settings):
            self._schemas.check_settings(settings)
        await self._check_transforms(resource, old)

    async def subscription(self, resource: Subscription, old: Subscription | None) -> None:
        """Refuse a subscription whose new transforms cannot be used. Raises: as `topic`."""
        await self._check_transforms(resource, old)

    async def admit(
        self, topic: Topic, messages: Sequence[PubsubMessage]
    ) -> list[PubsubMessage | None]:
        """Return what is to be stored of each message, None if a transform filters it out.

        Source: Pub/Sub: a topic's transforms run before the message is held against its schema.
        Raises: InvalidArgument with the number of the message; NotFound if the schema is deleted.
        """
        admitted: list[PubsubMessage | None] = list(messages)
        if transforms := enabled(topic.message_transforms):
            outcomes = await self._transforms.run(transforms, messages)
            admitted = [self._passed(number, one) for number, one in enumerate(outcomes)]
        if topic.HasField("schema_settings"):
            stored = {number: one for number, one in enumerate(admitted) if one is not None}
            await self._schemas.check(topic.schema_settings, stored)
        return admitted

    async def _check_transforms(
        self, resource: Topic | Subscription, old: Topic | Subscription | None
    ) -> None:
        transforms = list(resource.message_transforms)
        if transforms and not (old and list(old.message_transforms) == transforms):
            await self._transforms.check(transforms)

    def _passed(self, number: int, outcome: Outcome) -> PubsubMessage | None:
        problem: object = None
        if isinstance(outcome, Failed):
            problem = outcome
        elif outcome is not None:
            problem = problem_of(outcome, self._limits)
        if problem:
            raise InvalidArgument(f"message {number}, transformed: {problem}")
        return outcome if isinstance(outcome, PubsubMessage) else None


def concerns(topic: Topic) -> bool:
    """Say whether `admit` has something to do for a topic."""
    return topic.HasField("schema_settings") or bool(topic.message_transforms)


def filtered_id() -> str:
    """Return an id for a message that is not stored; no stored message has such a large one."""
    return str(1 << 62 | secrets.randbits(60))
