"""What may become of a message, and what the model of a broker keeps of it."""

import enum
import math
from dataclasses import dataclass

NEVER = math.inf


class Fate(enum.Enum):
    """What has become of a message."""

    UNACKED = enum.auto()
    HELD = enum.auto()  # acked, but something earlier of its key is not
    ACKED = enum.auto()  # or left out by the filter
    DEAD = enum.auto()
    UNSURE = enum.auto()  # acked, but a crash may have forgotten it
    GONE = enum.auto()  # older than is kept, or of a detached subscription


FINISHED = {Fate.ACKED, Fate.DEAD, Fate.GONE}


@dataclass
class Message:
    """One published message. After a crash its failures lie between `least` and `failures`."""

    number: int
    key: str
    published: float
    wanted: bool
    fate: Fate = Fate.UNACKED
    on_disk: Fate = Fate.UNACKED
    failures: int = 0
    least: int = 0
    written: int = 0  # of the failures, so many at least are on disk
    due: float = NEVER  # when its lease ends, if it is outstanding
    delivery: object = None  # the ack id of the newest delivery
    letters: int = 0
    letters_written: int = 0
