"""The policies of all resources, kept durably; who is granted what by them."""

import hashlib
from collections.abc import Callable, Iterator

from emulators.pubsub.documents import Documents
from emulators.pubsub.errors import Aborted
from emulators.pubsub.iam.bindings import CONDITIONAL, check_policy, merged
from emulators.pubsub.iam.protos import Policy
from emulators.pubsub.iam.roles import grants

NO_POLICY_ETAG = b"\x00\x20\x01"  # "ACAB" in base64, as the service gives it


class Policies:
    """Policies by resource name. A change is durable with the next commit."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all resources that have one."""
        return iter(self._documents)

    def of(self, resource: str) -> Policy:
        """Return the policy of a resource; without one an empty policy with its etag."""
        stored = self._documents.get(resource)
        return Policy(etag=NO_POLICY_ETAG) if stored is None else Policy.FromString(stored)

    def replace(self, resource: str, policy: Policy, *, audit: bool) -> Policy:
        """Set the bindings, and with `audit` the audit configurations; return what is kept.

        Raises: Aborted if `policy.etag` is set and not the present one, InvalidArgument.
        """
        check_policy(policy)
        present = self.of(resource)
        if policy.etag and policy.etag != present.etag:
            raise Aborted(
                f"the policy of {resource!r} has changed since it was read: its etag differs; "
                "read it again, change it and set that"
            )
        kept = Policy(bindings=merged(policy.bindings))
        conditional = any(binding.HasField("condition") for binding in kept.bindings)
        kept.version = CONDITIONAL if conditional else 1
        kept.audit_configs.extend((policy if audit else present).audit_configs)
        kept.etag = _next_etag(present.etag, kept)
        self._documents.put(resource, kept.SerializeToString())
        return kept

    def forget(self, resource: str) -> None:
        """Drop the policy of a resource that is deleted."""
        if self._documents.get(resource) is not None:
            self._documents.delete(resource)

    def grant(self, resource: str, permission: str, is_member: Callable[[str], bool]) -> bool:
        """Say whether a member for whom `is_member` holds has `permission` on `resource`.

        Differs from the service: conditions never hold.
        """
        return any(
            is_member(member)
            for binding in self.of(resource).bindings
            if not binding.HasField("condition") and grants(binding.role, permission)
            for member in binding.members
        )


def _next_etag(present: bytes, policy: Policy) -> bytes:
    """Differs from all before it, also when a policy returns to what it was."""
    return hashlib.sha256(present + policy.SerializeToString()).digest()[:8]
