"""The environment of the stack's processes. The user's own choices win over our defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import emulators
from emulators.stack.errors import StackError
from emulators.stack.options import External
from emulators.stack.ports import HOST

PROJECT = "cloudtasker-local"
PUSH_SERVICE_ACCOUNT = f"pubsub-push@{PROJECT}.iam.gserviceaccount.com"
_KEYS_PATH = "/oauth2/v3/certs"


@dataclass(frozen=True)
class Addresses:
    """Where the servers of this run are. `pubsub_http` is empty for an emulator without it."""

    database_url: str
    redis_url: str
    pubsub: str
    pubsub_http: str
    smtp_port: int


def base(root: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """What every Python process gets: `root` as its import path, unbuffered output."""
    home = Path(emulators.__file__).resolve().parent.parent
    paths = [str(root), *([str(home)] if home != root else [])]
    paths += [path for path in inherited.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**inherited, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def product(
    root: Path, inherited: Mapping[str, str], addresses: Addresses, data_dir: Path
) -> dict[str, str]:
    """What functions, gateway and migrations get; large payloads go to a folder of `data_dir`."""
    defaults = {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "CLOUDTASKER_AUTH": "none",
        "CLOUDTASKER_BLOBS_URL": (data_dir.resolve() / "blobs").as_uri(),
        "CLOUDTASKER_GRPC_REFLECTION": "1",
        "CLOUDTASKER_PUSH_AUTH": "signature",
        "CLOUDTASKER_PUSH_SERVICE_ACCOUNT": PUSH_SERVICE_ACCOUNT,
        "CLOUDTASKER_SMTP_URL": f"smtp://{HOST}:{addresses.smtp_port}",
    }
    if addresses.pubsub_http:
        defaults["CLOUDTASKER_PUSH_ISSUER_KEYS_URL"] = addresses.pubsub_http + _KEYS_PATH
    decided = {
        "CLOUDTASKER_DATABASE_URL": addresses.database_url,
        "CLOUDTASKER_REDIS_URL": addresses.redis_url,
        "PUBSUB_EMULATOR_HOST": addresses.pubsub,
        "CLOUDTASKER_LOG": "json",
        "HOST": HOST,
    }
    return defaults | base(root, inherited) | decided


def pubsub_http_of(external: External, inherited: Mapping[str, str]) -> str:
    """The HTTP side of the user's own emulator, known by the address of its keys.

    Raises:
        StackError: CT108, it has none and push tokens are not switched off.
    """
    keys = inherited.get("CLOUDTASKER_PUSH_ISSUER_KEYS_URL", "")
    if keys:
        parts = urlsplit(keys)
        return f"{parts.scheme}://{parts.netloc}"
    if inherited.get("CLOUDTASKER_PUSH_AUTH") == "none":
        return ""
    raise StackError(
        "CT108",
        f"The Pub/Sub emulator at {external.pubsub} is not ours, so its push tokens are unknown.",
        "Functions would refuse every delivery. Nothing was started.",
        fix="for an emulator without tokens set CLOUDTASKER_PUSH_AUTH=none; for one with tokens "
        "set CLOUDTASKER_PUSH_ISSUER_KEYS_URL to its keys.",
    )
