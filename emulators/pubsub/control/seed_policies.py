"""The IAM policies of a seed and of a dump: of resources, projects and service accounts."""

import re
from typing import Any

from google.protobuf.json_format import MessageToDict

from emulators.pubsub.control.fields import Fields
from emulators.pubsub.control.resources import Resources
from emulators.pubsub.control.seed_messages import parsed
from emulators.pubsub.errors import AlreadyExists
from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.iam.protos import Policy

# They need not be created, so no RPC has to say whether they are there.
PROJECT_OR_ACCOUNT = re.compile(r"projects/[^/]+(/serviceAccounts/[^/]+)?")


def policy(number: int, row: object) -> tuple[str, Any]:
    """Return resource and policy of a seed's `number`-th row. Raises: InvalidArgument."""
    what = f"seed: policies[{number}]"
    fields = Fields(what, row)
    name, value = fields.text("resource"), fields.json("policy")
    fields.end(["resource", "policy"])
    wanted = parsed(f"{what}.policy", value, Policy())
    wanted.ClearField("etag")  # of another emulator, or of another time
    return name, wanted


async def make_policy(
    resources: Resources, policies: Policies, name: str, wanted: Any, *, unchanged: list[str]
) -> None:
    """Set the policy of a resource that has none.

    Raises: AlreadyExists if it has another, and what SetIamPolicy raises.
    """
    there = policies.of(name)
    if there.bindings and _bindings(there) == _bindings(wanted):
        unchanged.append(name)
    elif there.bindings:
        raise AlreadyExists(f"seed: {name!r} has another policy: change the seed, or reset first")
    elif PROJECT_OR_ACCOUNT.fullmatch(name):
        policies.replace(name, wanted, audit=True)
    else:
        await resources.call("google.iam.v1.IAMPolicy/SetIamPolicy", resource=name, policy=wanted)


def dumped(policies: Policies) -> list[dict[str, object]]:
    """Return all policies in the form of a seed."""
    return [{"resource": name, "policy": MessageToDict(policies.of(name))} for name in policies]


def _bindings(kept: Any) -> list[tuple[str, tuple[str, ...], bytes]]:
    return sorted(
        (one.role, tuple(sorted(one.members)), one.condition.SerializeToString())
        for one in kept.bindings
    )
