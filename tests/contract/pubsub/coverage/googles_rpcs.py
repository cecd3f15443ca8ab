"""Which RPCs Google's emulator has: asked of it, kept in a file beside this one."""

import json
from pathlib import Path

import grpc

from tests.contract.pubsub.coverage.api import all_rpcs
from tests.contract.pubsub.processes import googles

# Serialised: empty, and a name as the first field, as most requests have it.
REQUESTS = (b"", b"\x0a\x19projects/p/topics/letters")
FILE = Path(__file__).with_name("googles_rpcs.json")


def measure(folder):
    """Call every RPC of Google's emulator, without and with a name; note what is UNIMPLEMENTED."""
    with googles(folder / "data") as running, grpc.insecure_channel(running.grpc) as channel:
        missing = [
            name
            for name in all_rpcs()
            if "UNIMPLEMENTED" in {code_of(channel, name, request) for request in REQUESTS}
        ]
    FILE.write_text(json.dumps({"version": "0.8.20", "unimplemented": missing}, indent=2) + "\n")


def code_of(channel, name, request):
    """Return the status that a serialised request gets, None if it is answered."""
    try:
        if name.endswith("/StreamingPull"):
            next(channel.stream_stream(f"/{name}")(iter([request]), timeout=10))
        else:
            channel.unary_unary(f"/{name}")(request, timeout=10)
    except grpc.RpcError as error:
        return error.code().name
    return None
