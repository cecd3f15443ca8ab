"""All RPCs that Pub/Sub's API has, from what Google ships with its clients."""

import json
from importlib.util import find_spec
from pathlib import Path

from google.iam.v1 import iam_policy_pb2  # type: ignore[import-untyped]


def all_rpcs():
    """Return the full names of all RPCs, service by service."""
    folder = Path(find_spec("google.pubsub_v1").submodule_search_locations[0])
    services = json.loads((folder / "gapic_metadata.json").read_text())["services"]
    iam = iam_policy_pb2.DESCRIPTOR.services_by_name["IAMPolicy"]
    return [
        *(
            f"google.pubsub.v1.{service}/{rpc}"
            for service in ("Publisher", "Subscriber", "SchemaService")
            for rpc in services[service]["clients"]["grpc"]["rpcs"]
        ),
        *(f"{iam.full_name}/{method.name}" for method in iam.methods),
    ]
