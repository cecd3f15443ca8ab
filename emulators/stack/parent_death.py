"""Let a child die with its parent, by Linux's parent-death signal. Must stay cheap to import."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
SUPPORTED = sys.platform == "linux"


def before_exec(with_signal: signal.Signals) -> Callable[[], None]:
    """A function for the child: the kernel sends it `with_signal` when the caller ends.

    Everything that allocates or loads happens here, before the fork. The caller may end before
    the child asks, so the child looks at its parent again afterwards.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if SUPPORTED else None

    def prepare() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare
