"""One JavaScript function in V8, with bounded time and memory. It knows JSON, not Pub/Sub."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from emulators.pubsub.errors import FailedPrecondition

if TYPE_CHECKING:
    from py_mini_racer import MiniRacer

LIMIT_SECONDS = 0.5
LIMIT_BYTES = 100_000_000
TOGETHER = 50  # calls in one execution, because entering V8 costs more than a simple function

# Takes and gives JSON, so that nothing of V8's objects gets out. What the function itself does
# wrong becomes a text; V8's own end of an execution cannot be caught in here.
HARNESS = """
((parse, stringify, apply) => (calls) => stringify(parse(calls).map((values) => {
  try {
    const result = apply(values);
    return result === undefined
      ? ['error', 'it returned undefined; null filters a message'] : ['value', stringify(result)];
  } catch (error) { return ['error', String(error)]; }
})))(JSON.parse, JSON.stringify, (values) => %s(...values))
"""


class ScriptError(Exception):
    """Code that cannot be used, or a call that failed; the text is for who wrote the code."""


class Result(NamedTuple):
    """What one call gave: a value of JSON, or an error."""

    value: Any = None
    error: str | None = None


class Script:
    """Code and the function in it that is called. Every method blocks, and not the event loop.

    Raises: ScriptError; FailedPrecondition if mini-racer is not installed.
    """

    def __init__(self, code: str, function: str, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._code = code
        self._function = function
        self._limit_seconds = limit_seconds
        self.ended = False  # once it is set, from any thread, no further call is begun
        self._racer: MiniRacer | None = None
        self._open()

    def call(self, calls: Sequence[Sequence[Any]]) -> list[Result]:
        """Call the function once with each list of arguments; all are values of JSON.

        Some calls share the time limit until one exceeds it; then each has it for itself.
        """
        together = [calls[start : start + TOGETHER] for start in range(0, len(calls), TOGETHER)]
        return [result for some in together for result in self._call_some(some)]

    def close(self) -> None:
        """Give V8's memory back; a call after that begins anew."""
        if self._racer:
            with suppress(ScriptError):
                self._eval("0")  # an execution that was ended still reports: let it, then close
            self._racer.close()
        self._racer = None

    def _call_some(self, calls: Sequence[Sequence[Any]]) -> list[Result]:
        if self.ended:
            return [Result(error="the emulator is stopping")] * len(calls)
        try:
            return self._call(calls)
        except ScriptError as error:
            self.close()  # V8 ended an execution, which may have left anything behind
            if len(calls) == 1:
                return [Result(error=str(error))]
            return [result for one in calls for result in self._call_some([one])]

    def _call(self, calls: Sequence[Sequence[Any]]) -> list[Result]:
        if self._racer is None:
            self._open()
        answer = self._eval(f"__cloudtasker({json.dumps(json.dumps(calls))})")
        try:
            results = [
                Result(json.loads(value)) if kind == "value" else Result(error=str(value))
                for kind, value in json.loads(str(answer))
            ]
        except (ValueError, TypeError) as error:
            raise ScriptError("the code has changed what every script is built on") from error
        if len(results) != len(calls):
            raise ScriptError("the code has changed what every script is built on")
        return results

    def _open(self) -> None:
        try:
            from py_mini_racer import MiniRacer
        except ImportError as error:
            raise FailedPrecondition(
                "JavaScript transforms need V8: pip install 'cloudtasker[transforms]' "
                "(or: pip install mini-racer)"
            ) from error
        self._racer = MiniRacer()
        try:
            self._racer.set_hard_memory_limit(LIMIT_BYTES)
            self._eval("setTimeout = clearTimeout = undefined")  # UDFs have the language only
            self._eval(f"{self._code}\n;0")
            if self._eval(f"typeof {self._function}") != "function":
                raise ScriptError(f"the code has no function {self._function}")
            self._eval(f"const __cloudtasker = {HARNESS % self._function}; 0")
        except ScriptError:
            self.close()
            raise

    def _eval(self, code: str) -> object:
        from py_mini_racer import JSEvalException, JSOOMException, JSTimeoutException

        assert self._racer is not None  # noqa: S101 (opened by the callers)
        try:
            return self._racer.eval(code, timeout_sec=self._limit_seconds)
        except JSTimeoutException as error:
            raise ScriptError(f"it took more than {self._limit_seconds:g} s") from error
        except JSOOMException as error:
            raise ScriptError(f"it took more than {LIMIT_BYTES} bytes of memory") from error
        except (JSEvalException, UnicodeEncodeError) as error:
            raise ScriptError(str(error).partition("\n")[0]) from error
