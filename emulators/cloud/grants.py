"""Who may do what, as IAM members were granted: kept in files, asked before something starts."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emulators.cloud.folder import Folder

SECRET_ACCESSOR = "roles/secretmanager.secretAccessor"  # noqa: S105  a role's name
RUN_INVOKER = "roles/run.invoker"
EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_ENDING = "_iam_member"
# What the types call the thing that they grant something on.
_RESOURCES = (
    "secret_id", "name", "topic", "subscription", "bucket", "service_account_id", "repository",
    "project",
)  # fmt: skip


def is_grant(type_name: str) -> bool:
    """Whether a resource type is one member's grant."""
    return type_name.endswith(_ENDING)


def keep(folder: Folder, type_name: str, value: Mapping[str, Any]) -> None:
    """Remember a grant; one that is there already stays."""
    grant = {
        "on": type_name.removesuffix(_ENDING),
        "resource": resource_of(value),
        "role": value["role"],
        "member": value["member"],
    }
    folder.write(_file(folder, type_name, value), json.dumps(grant))


def forget(folder: Folder, type_name: str, value: Mapping[str, Any]) -> None:
    """Take a grant away."""
    _file(folder, type_name, value).unlink(missing_ok=True)


def is_kept(folder: Folder, type_name: str, value: Mapping[str, Any]) -> bool:
    """Whether a grant is in force."""
    return _file(folder, type_name, value).exists()


def may_read(folder: Folder, secret: str, account: str) -> bool:
    """Whether a service account may read a secret's value."""
    members = members_of(folder, SECRET_ACCESSOR, secret)
    return f"serviceAccount:{account}" in members


def members_of(folder: Folder, role: str, resource: str) -> set[str]:
    """Return who has a role on a resource, given by its short name."""
    return {
        grant["member"]
        for grant in _all(folder)
        if grant["role"] == role and grant["resource"].rsplit("/", 1)[-1] == resource
    }


def resource_of(value: Mapping[str, Any]) -> str:
    """Return the thing that a grant is on, as the configuration names it."""
    return str(next((value[name] for name in _RESOURCES if value.get(name)), ""))


def _all(folder: Folder) -> Iterator[dict[str, str]]:
    for file in (folder.path / "grants").glob("*.json"):
        yield json.loads(file.read_bytes())


def _file(folder: Folder, type_name: str, value: Mapping[str, Any]) -> Path:
    of = (type_name, resource_of(value), value["role"], value["member"])
    return folder.path / "grants" / f"{hashlib.sha256(repr(of).encode()).hexdigest()[:24]}.json"
