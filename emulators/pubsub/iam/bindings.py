"""What a policy may contain, and its one form in which it is kept. Pure."""

import hashlib
import re
from collections.abc import Iterable

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.iam.protos import Binding, Policy

VERSIONS = (0, 1, 3)
CONDITIONAL = 3  # the version that a policy with conditions must have
MOST_MEMBERS = 1500

_ROLE = re.compile(r"((projects|organizations)/[^/\s]+/)?roles/[A-Za-z0-9_.]+")
_EMAIL = r"[^@\s:]+@[^@\s:]+"
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers"
    rf"|(user|group|serviceAccount):{_EMAIL}"
    r"|serviceAccount:[^\s\[\]]+\.svc\.id\.goog\[[^\s\[\]]+\]"
    rf"|deleted:(user|group|serviceAccount):{_EMAIL}\?uid=\d+"
    r"|domain:[^@\s:]+"
    r"|project(Owner|Editor|Viewer):\S+"
    r"|principal(Set)?://\S+"
)


def check_policy(policy: Policy) -> None:
    """Check a policy's version, roles and members. Raises: InvalidArgument."""
    if policy.version not in VERSIONS:
        raise InvalidArgument(f"policy.version {policy.version} is not 0, 1 or 3")
    for binding in policy.bindings:
        _check_binding(binding)
    conditional = [binding.role for binding in policy.bindings if binding.HasField("condition")]
    if conditional and policy.version != CONDITIONAL:
        raise InvalidArgument(
            f"policy.version must be {CONDITIONAL}: {conditional[0]!r} is bound with a condition"
        )
    members = sum(len(binding.members) for binding in policy.bindings)
    if members > MOST_MEMBERS:
        raise InvalidArgument(f"{members} members, the limit of a policy is {MOST_MEMBERS}")


def check_version(requested: int) -> None:
    """Check the version a caller can read. Raises: InvalidArgument."""
    if requested not in VERSIONS:
        raise InvalidArgument(f"options.requested_policy_version {requested} is not 0, 1 or 3")


def merged(bindings: Iterable[Binding]) -> list[Binding]:
    """Return one binding for each role and condition, no member twice, none without members."""
    found: dict[tuple[str, bytes], Binding] = {}
    for binding in bindings:
        key = (binding.role, binding.condition.SerializeToString())
        whole = found.setdefault(key, Binding(role=binding.role))
        if binding.HasField("condition"):
            whole.condition.CopyFrom(binding.condition)
        whole.members.extend(one for one in binding.members if one not in whole.members)
    return [binding for binding in found.values() if binding.members]


def without_conditions(policy: Policy) -> Policy:
    """Return a policy for callers that do not know conditions.

    Source: IAM, "Policy versions": such a role's name ends in _withcond_ and a hash.
    """
    plain = Policy(version=min(policy.version, 1), etag=policy.etag)
    for binding in policy.bindings:
        shown = Binding(role=binding.role, members=binding.members)
        if binding.HasField("condition"):
            digest = hashlib.sha256(binding.condition.SerializeToString()).hexdigest()
            shown.role += f"_withcond_{digest[:20]}"
        plain.bindings.append(shown)
    return plain


def _check_binding(binding: Binding) -> None:
    if not _ROLE.fullmatch(binding.role):
        raise InvalidArgument(
            f"role {binding.role!r} is not of the form roles/{{role}}, "
            "projects/{project}/roles/{role} or organizations/{organization}/roles/{role}"
        )
    for member in binding.members:
        if not _MEMBER.fullmatch(member):
            raise InvalidArgument(
                f"member {member!r} of {binding.role!r} is not of a known form, such as "
                "user:{email}, serviceAccount:{email}, group:{email}, domain:{domain} or allUsers"
            )
