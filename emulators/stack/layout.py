"""Where everything of a run listens; chosen before the first process starts."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from emulators.stack.options import External, Options
from emulators.stack.ports import HOST, Ports

ENQUEUE = "enqueue"
FUNCTIONS_FROM = 8101
PROCESSES_FROM = 8401


@dataclass(frozen=True)
class Layout:
    """Ports by name; a port of 0 belongs to a server that is not ours. Listeners: of functions, and
    of the single processes of a function that has a number of them."""

    grpc: int
    pubsub: int
    pubsub_http: int
    smtp: int
    mail: int
    postgres: int
    redis: int
    listeners: dict[str, socket.socket]
    processes: dict[str, socket.socket] = field(default_factory=dict)

    def port_of(self, function: str) -> int:
        """The port of one function."""
        port: int = self.listeners[function].getsockname()[1]
        return port

    def url_of(self, function: str) -> str:
        """The base URL of one function, which is also the audience of its tokens."""
        return f"http://{HOST}:{self.port_of(function)}"

    def process_url(self, process: str) -> str:
        """Where one of several processes of a function answers for itself."""
        return f"http://{HOST}:{self.processes[process].getsockname()[1]}"

    def urls(self) -> Mapping[str, str]:
        """The base URLs of all functions."""
        return {name: self.url_of(name) for name in self.listeners}


def choose(options: Options, external: External, names: Sequence[str], ports: Ports) -> Layout:
    """Pick every port.

    Raises:
        StackError: CT102, a port that was asked for is taken.
    """
    own_pubsub = not external.pubsub
    asked = options.pubsub_port
    return Layout(
        listeners={name: listen(name, options, ports) for name in names},
        grpc=ports.pick("the gateway", 50051, asked=options.grpc_port, flag="--grpc-port"),
        pubsub=ports.pick("Pub/Sub", 8085, asked=asked, flag="--pubsub-port") if own_pubsub else 0,
        pubsub_http=ports.pick("Pub/Sub's HTTP side", 8086) if own_pubsub else 0,
        smtp=ports.pick("the mail sink", 1025),
        mail=ports.pick("the inbox", 8025, asked=options.mail_port, flag="--mail-port"),
        postgres=ports.pick("postgres", 15432) if not external.database_url else 0,
        redis=ports.pick("redis", 16379) if not external.redis_url else 0,
    )


def listen(function: str, options: Options, ports: Ports) -> socket.socket:
    """The listening socket of one function; it stays the same over restarts."""
    if function == ENQUEUE:
        return ports.listen("the REST API", 5000, asked=options.rest_port, flag="--rest-port")
    return ports.listen_quietly(FUNCTIONS_FROM)


def listen_alone(ports: Ports) -> socket.socket:
    """The socket of one of several processes of a function, for questions to it alone."""
    return ports.listen_quietly(PROCESSES_FROM)
