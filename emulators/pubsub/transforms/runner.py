"""Runs transforms in a thread of their own, so that no script holds up the event loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import JavaScriptUDF, MessageTransform, PubsubMessage
from emulators.pubsub.transforms.chain import Outcome, apply_transforms
from emulators.pubsub.transforms.javascript import Script, ScriptError
from emulators.pubsub.transforms.settings import check_transforms, enabled, kind_of

P = ParamSpec("P")
T = TypeVar("T")


class TransformRunner:
    """All scripts of an emulator, and the one thread that they run in, in the order of the calls.

    Nothing is started before the first call.
    """

    KEPT = 50  # scripts; each is an isolate of V8, of about 1 MB

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="transforms")
        self._scripts: OrderedDict[tuple[str, str], Script] = OrderedDict()

    async def check(self, transforms: Sequence[MessageTransform]) -> None:
        """Check the transforms of a topic or subscription, and compile their code.

        Raises: as `check_transforms`, and FailedPrecondition if mini-racer is not installed.
        """
        check_transforms(transforms)
        for transform in transforms:
            if kind_of(transform) == "javascript_udf":
                await self._in_thread(self._check_script, transform.javascript_udf)

    async def run(
        self, transforms: Sequence[MessageTransform], messages: Sequence[PubsubMessage]
    ) -> list[Outcome]:
        """Return what the enabled transforms make of messages, which are changed in place.

        Raises: FailedPrecondition if mini-racer is not installed.
        """
        return await self._in_thread(apply_transforms, enabled(transforms), messages, self._script)

    def close(self) -> None:
        """Start nothing more; a script under way ends by its own limits."""
        for script in list(self._scripts.values()):
            script.ended = True
        if self._scripts:
            self._thread.submit(self._close_scripts)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(call, *args, **kwargs))

    def _check_script(self, function: JavaScriptUDF) -> None:
        try:
            self._script(function)
        except ScriptError as error:
            raise InvalidArgument(
                f"javascript_udf {function.function_name!r} cannot be used: {error}"
            ) from error

    def _script(self, function: JavaScriptUDF) -> Script:
        key = (function.code, function.function_name)
        if key not in self._scripts:
            self._scripts[key] = Script(*key)
            if len(self._scripts) > self.KEPT:
                self._scripts.popitem(last=False)[1].close()
        self._scripts.move_to_end(key)
        return self._scripts[key]

    def _close_scripts(self) -> None:
        while self._scripts:
            self._scripts.popitem()[1].close()
