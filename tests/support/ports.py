"""Free ports below the range from which the system picks ports for outgoing connections."""

import random
import socket
import sys

_CLAIMS: list[socket.socket] = []


def free_port() -> int:
    """A port that nothing listens on, and that no other test is given while this process lives."""
    for _ in range(1000):
        port = random.randint(20000, 32000)
        if _is_free(port) and _is_claimed(port):
            return port
    raise RuntimeError("no free port was found between 20000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_claimed(port: int) -> bool:
    """Claim a port by a name that the kernel frees with this process; False if another has it."""
    if sys.platform != "linux":  # elsewhere sockets have no names outside the file system
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0cloudtasker-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)
    return True
