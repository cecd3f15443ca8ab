"""What a caller did wrong, each with the gRPC status that tells it; and why a run cannot go on."""

from google.protobuf.message import Message
from grpc import StatusCode


class PubSubError(Exception):
    """A refused request; the text is what the caller reads, `details` what its program may."""

    code = StatusCode.INVALID_ARGUMENT

    def __init__(self, text: str, *details: Message) -> None:
        super().__init__(text)
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
