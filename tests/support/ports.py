"""Free ports below the range from which the system picks ports for outgoing connections."""

import random
import socket


def free_port() -> int:
    """A port that nothing listens on right now."""
    for _ in range(100):
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port was found between 20000 and 32000")
