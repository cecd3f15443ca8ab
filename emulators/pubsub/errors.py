"""What a caller did wrong, each with the gRPC status that tells it; and why a run cannot go on."""

from google.protobuf.message import Message
from grpc import StatusCode

MAX_TEXT = 600


class PubSubError(Exception):
    """A refused request; the text is what the caller reads, `details` what its program may."""

    code = StatusCode.INVALID_ARGUMENT

    def __init__(self, text: str, *details: Message) -> None:
        # It travels in a header, of which clients take 8 KB: a quoted value may be longer.
        super().__init__(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…")
        self.details = details


class InvalidArgument(PubSubError):
    """A value that no state of the emulator would make right."""


class OutOfRange(PubSubError):
    """A number outside its documented range, where the service has a code of its own for it."""

    code = StatusCode.OUT_OF_RANGE


class NotFound(PubSubError):
    """A topic or subscription that does not exist."""

    code = StatusCode.NOT_FOUND


class AlreadyExists(PubSubError):
    """A name that is taken."""

    code = StatusCode.ALREADY_EXISTS


class FailedPrecondition(PubSubError):
    """A request that the resource's present state forbids."""

    code = StatusCode.FAILED_PRECONDITION


class ResourceExhausted(PubSubError):
    """More of something than a project, a topic or a schema may have."""

    code = StatusCode.RESOURCE_EXHAUSTED


class Aborted(PubSubError):
    """A change that was made to something older than what is there; read again, then repeat."""

    code = StatusCode.ABORTED


class Unimplemented(PubSubError):
    """A feature of Pub/Sub that this emulator does not have; never silently accepted."""

    code = StatusCode.UNIMPLEMENTED


class Unavailable(PubSubError):
    """The emulator is stopping; clients retry."""

    code = StatusCode.UNAVAILABLE


class EmulatorError(Exception):
    """The emulator cannot start or go on; the text names the fix."""


class StoreError(EmulatorError):
    """The data folder cannot be used."""


class PortTaken(EmulatorError):
    """A port cannot be listened on."""


class SeedError(EmulatorError):
    """The resources of a seed cannot be made."""
