"""Free ports below the range from which the system picks ports for outgoing connections.

A port is given to one test alone: the client of a server that is gone may ask for it again and
again, and must not find another test's server there.
"""

import random
import socket
import sys
from collections.abc import Iterator

_FROM, _TO, _BLOCK = 20_000, 32_000, 50
_CLAIMS: list[socket.socket] = []  # each holds a block of ports for as long as this process lives


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that no other test was given or will be."""
    return next(port for port in _PORTS if _is_free(port))


def _ports() -> Iterator[int]:
    blocks = list(range(_FROM, _TO, _BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        if _is_claimed(first):
            yield from range(first, first + _BLOCK)
    raise RuntimeError(f"no block of ports is free between {_FROM} and {_TO}")


_PORTS = _ports()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_claimed(first: int) -> bool:
    """Claim a block by a name that the kernel frees with this process; False if another has it."""
    if sys.platform != "linux":  # elsewhere sockets have no names outside the file system
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0cloudtasker-test-ports-{first}")
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)
    return True
