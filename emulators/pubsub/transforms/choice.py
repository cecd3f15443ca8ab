"""Which transforms a subscription's deliveries go through."""

from collections.abc import Callable

from emulators.pubsub.clock import Clock
from emulators.pubsub.engine import Engine
from emulators.pubsub.protos import MessageTransform, Subscription
from emulators.pubsub.transforms.settings import enabled
from emulators.pubsub.transforms.stage import Runner, TransformStage


class TransformChoice:
    """Keeps the stage of one subscription for as long as its transforms stay the same."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        body: Callable[[int], bytes | None],
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._body = body
        self._clock = clock
        self._changed = changed
        self._transforms: list[MessageTransform] = []
        self._stage: TransformStage | None = None

    def stage_of(self, resource: Subscription) -> TransformStage | None:
        """Return the stage of the transforms that `resource` has, None without any."""
        transforms = enabled(resource.message_transforms)
        if transforms == self._transforms:
            return self._stage
        self._transforms = transforms
        if self._stage:
            self._stage.stop()
        self._stage = self._new_stage(resource) if transforms else None
        return self._stage

    def _new_stage(self, resource: Subscription) -> TransformStage:
        return TransformStage(
            self._transforms,
            engine=self._engine,
            runner=self._runner,
            body=self._body,
            ordered=resource.enable_message_ordering,
            name=resource.name,
            clock=self._clock,
            changed=self._changed,
        )
