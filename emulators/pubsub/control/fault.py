"""One fault to inject: which calls it meets, what it does to them, how often. Pure."""

from dataclasses import asdict, dataclass

from grpc import StatusCode

from emulators.pubsub.control.fields import Fields
from emulators.pubsub.errors import InvalidArgument, PubSubError

MOST_DELAY_SECONDS = 600
EVERY = "*"
KNOWN = [
    *("rpc", "push", "times", "code", "message"),
    *("delay_seconds", "after", "after_messages", "duplicate"),
]
ALWAYS = ("times", "fired")
CODES = {code.name: code for code in StatusCode if code is not StatusCode.OK}


class Injected(PubSubError):
    """The error that a fault asks for, instead of an answer."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = CODES[code]


@dataclass(slots=True)
class Fault:
    """What to do to the next `times` calls (None: to all) of an RPC, or pushes of a subscription.

    One of `rpc` and `push` is set. `code` is what the caller gets: before anything is done, or
    with `after` once it was done. On a stream, `after_messages` lets so many messages through.
    """

    rpc: str = ""
    push: str = ""
    times: int | None = 1
    code: str = ""
    message: str = ""
    delay_seconds: float = 0.0
    after: bool = False
    after_messages: int | None = None
    duplicate: bool = False
    id: int = 0
    fired: int = 0

    def is_left(self) -> bool:
        """Say whether it fires again."""
        return self.times is None or self.fired < self.times

    def meets(self, method: str) -> bool:
        """Say whether it is for the RPC of this full name."""
        return self.rpc in (EVERY, method, method.rpartition("/")[2])

    def meets_push(self, subscription: str) -> bool:
        """Say whether it is for the pushes of this subscription."""
        return self.push in (EVERY, subscription)

    def error(self) -> Injected:
        """Return the error to answer with."""
        return Injected(self.code, self.message or f"fault {self.id} of the control API")

    def as_json(self) -> dict[str, object]:
        """Return the fields that say something, how often it fires, and how often it has fired."""
        return {name: value for name, value in asdict(self).items() if value or name in ALWAYS}


def parse_fault(value: object, methods: frozenset[str]) -> Fault:
    """Return the fault that a JSON object describes; `methods` are the full names of all RPCs.

    Raises: InvalidArgument, naming the field, its value and what would be right.
    """
    fields = Fields("fault", value)
    fault = Fault(
        rpc=fields.text("rpc"),
        push=fields.text("push"),
        times=fields.count("times", 1),
        code=fields.text("code").upper(),
        message=fields.text("message"),
        delay_seconds=fields.seconds("delay_seconds", MOST_DELAY_SECONDS),
        after=fields.flag("after"),
        after_messages=fields.count("after_messages", None),
        duplicate=fields.flag("duplicate"),
    )
    fields.end(KNOWN)
    for problem in (_target_problem(fault, methods), _effect_problem(fault)):
        if problem:
            raise InvalidArgument(f"fault: {problem}")
    return fault


def _target_problem(fault: Fault, methods: frozenset[str]) -> str:
    if bool(fault.rpc) == bool(fault.push):
        return "give either rpc (such as 'Publish', or '*') or push (a subscription, or '*')"
    if fault.rpc and not any(fault.meets(method) for method in methods):
        names = sorted(method.rpartition("/")[2] for method in methods)
        return f"rpc {fault.rpc!r} is unknown; there are {', '.join(names)}, and '*'"
    if fault.push and fault.push != EVERY and not fault.push.startswith("projects/"):
        return f"push {fault.push!r} is not projects/{{project}}/subscriptions/{{id}} or '*'"
    return ""


def _effect_problem(fault: Fault) -> str:
    if fault.code and fault.code not in CODES:
        return f"code {fault.code!r} is not one of {', '.join(CODES)}"
    if (fault.after or fault.after_messages) and not fault.code:
        return "after and after_messages need a code to answer with, such as 'UNAVAILABLE'"
    if fault.after_messages and fault.rpc.rpartition("/")[2] != "StreamingPull":
        return "after_messages is for the rpc 'StreamingPull' only"
    if fault.duplicate and fault.rpc.rpartition("/")[2] == "StreamingPull":
        return "a stream cannot be duplicated; give code or delay_seconds"
    if not (fault.code or fault.delay_seconds or fault.duplicate):
        return "it does nothing; give code, delay_seconds or duplicate"
    return ""
