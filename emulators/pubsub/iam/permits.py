"""What Pub/Sub itself may do: forward dead letters, sign push tokens. Says what is missing."""

import hashlib
import re
from typing import Protocol

from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.iam.roles import CONSUME, MINT, PUBLISH

# Projects have no numbers here, so the service agent of any number is the one that is meant.
_AGENT = re.compile(r"serviceAccount:service-\d+@gcp-sa-pubsub\.iam\.gserviceaccount\.com")
_ACCOUNT_PROJECT = re.compile(r"[^@]+@([^@]+)\.iam\.gserviceaccount\.com")


class Permits(Protocol):
    """Asked before Pub/Sub acts in its own name; None means yes, a text says what is missing."""

    def may_dead_letter(self, subscription: str, topic: str) -> str | None:
        """Say whether dead letters of `subscription` may go to `topic`, both full names."""

    def may_mint(self, account: str) -> str | None:
        """Say whether identity tokens of the service account `account` may be made."""


class PermitAll:
    """The emulator as it is without enforcement."""

    def may_dead_letter(self, subscription: str, topic: str) -> str | None:
        return None

    def may_mint(self, account: str) -> str | None:
        return None


class Enforcer:
    """Looks into the policies of the resource and of its project, as they are at the moment."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def may_dead_letter(self, subscription: str, topic: str) -> str | None:
        project = _project_of(subscription)
        missing = [
            _missing(project, kind, role, name)
            for kind, role, permission, name in (
                ("topics", "publisher", PUBLISH, topic),
                ("subscriptions", "subscriber", CONSUME, subscription),
            )
            if not self._agent_has(permission, name, _project_of(name))
        ]
        return "; ".join(missing) or None

    def may_mint(self, account: str) -> str | None:
        match = _ACCOUNT_PROJECT.fullmatch(account)
        project = match[1] if match else "-"
        if self._agent_has(MINT, account_name(account), project):
            return None
        return (
            f"the Pub/Sub service agent may not make tokens of {account}. Grant it: "
            f"gcloud iam service-accounts add-iam-policy-binding {account} "
            f"--member=serviceAccount:{agent_of(project)} "
            "--role=roles/iam.serviceAccountTokenCreator"
        )

    def _agent_has(self, permission: str, resource: str, project: str) -> bool:
        return any(
            self._policies.grant(name, permission, is_agent)
            for name in (resource, f"projects/{project}")
        )


def is_agent(member: str) -> bool:
    """Say whether a policy's member is Pub/Sub's service agent, or everybody."""
    return member in ("allUsers", "allAuthenticatedUsers") or bool(_AGENT.fullmatch(member))


def agent_of(project: str) -> str:
    """Return a service agent's e-mail, always the same for a project; any number is accepted."""
    digest = int.from_bytes(hashlib.sha256(project.encode()).digest())
    number = 10**11 + digest % (9 * 10**11)
    return f"service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"


def account_name(email: str) -> str:
    """Return the name below which a service account's policy is kept."""
    return f"projects/-/serviceAccounts/{email}"


def _project_of(name: str) -> str:
    return name.split("/")[1]


def _missing(project: str, kind: str, role: str, name: str) -> str:
    return (
        f"the Pub/Sub service agent has not roles/pubsub.{role} on {name}. Grant it: "
        f"gcloud pubsub {kind} add-iam-policy-binding {name} "
        f"--member=serviceAccount:{agent_of(project)} --role=roles/pubsub.{role}"
    )
