"""`python -m emulators.docker.provision`: make the topics and subscriptions of the containers.

Reads `functions/*/task.yaml` as data, as the stack of one machine does, and is safe to repeat.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc

from emulators.stack.environment import PROJECT, PUSH_SERVICE_ACCOUNT
from emulators.stack.errors import StackError
from emulators.stack.provision import provision
from emulators.stack.task_types import TaskType, read_task_types
from emulators.stack.topology import DEAD_LETTER_FUNCTION, Topology, plan

_CONNECT_SECONDS = 30


def topology_of(
    task_types: Sequence[TaskType], urls: Mapping[str, str], service_account: str
) -> Topology:
    """What to make. Raises: StackError, CT111, for a function without an address."""
    needed = [DEAD_LETTER_FUNCTION, *(task_type.name for task_type in task_types)]
    if missing := [name for name in needed if name not in urls]:
        raise StackError(
            "CT111",
            f"No service is known for {', '.join(missing)}: its deliveries would go nowhere.",
            "Nothing was changed.",
            fix="give it a service in compose.yaml, and its address to `provision` there.",
        )
    return plan(PROJECT, task_types, urls, service_account)


def main(arguments: Sequence[str]) -> int:
    """Returns 0 when all is as planned; 1, with the reason, when it is not."""
    parser = argparse.ArgumentParser(prog="python -m emulators.docker.provision")
    parser.add_argument("--pubsub", required=True, metavar="HOST:PORT")
    parser.add_argument("--root", type=Path, default=Path(), help="the folder of functions/")
    parser.add_argument("--no-tokens", action="store_true", help="the emulator can sign none")
    parser.add_argument("functions", nargs="+", metavar="NAME=URL")
    asked = parser.parse_args(arguments)
    urls = dict(word.split("=", 1) for word in asked.functions)
    account = "" if asked.no_tokens else PUSH_SERVICE_ACCOUNT
    try:
        topology = topology_of(read_task_types(asked.root, None), urls, account)
        with grpc.insecure_channel(asked.pubsub) as channel:
            grpc.channel_ready_future(channel).result(_CONNECT_SECONDS)
            done = provision(channel, topology)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except (grpc.RpcError, grpc.FutureTimeoutError) as error:
        print(f"Pub/Sub at {asked.pubsub} could not be set up: {error!r}", file=sys.stderr)
        return 1
    print(json.dumps({"severity": "INFO", "message": "Pub/Sub is set up", **done}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
