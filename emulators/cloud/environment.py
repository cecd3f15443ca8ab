"""What a workload's environment becomes on this machine. Pure.

Only what names Google's own side is replaced: the database's connector, the cache's TLS, the
platform's token check, the bucket of large payloads. Everything else reaches the workload as it
was planned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

HOST = "127.0.0.1"
# What is about the platform's own way to find and start the code.
_PLATFORM = ("PYTHONPATH", "FUNCTION_USE_ASGI", "FUNCTION_SOURCE", "FUNCTION_TARGET")


@dataclass(frozen=True)
class Place:
    """Where the embedded servers are. `password_of` gives a database user's, None if there is no
    such user; below `buckets` each bucket is a folder."""

    pubsub: str
    pubsub_http: str
    postgres_port: int
    password_of: Callable[[str], str | None]
    buckets: Path


class Unmade(Exception):
    """What an environment names is not there."""


def local(planned: Mapping[str, str], place: Place) -> dict[str, str]:
    """Return the environment for a process on this machine.

    Raises: Unmade when it names a database user who does not exist.
    """
    own = {name: value for name, value in planned.items() if name not in _PLATFORM}
    own |= {
        "HOST": HOST,
        "PUBSUB_EMULATOR_HOST": place.pubsub,
        "CLOUDTASKER_PUSH_ISSUER_KEYS_URL": f"{place.pubsub_http}/oauth2/v3/certs",
        "PYTHONUNBUFFERED": "1",
    }
    if own.get("CLOUDTASKER_PUSH_AUTH") == "platform":
        own["CLOUDTASKER_PUSH_AUTH"] = "signature"  # no Cloud Run has checked it before
    if url := own.get("CLOUDTASKER_REDIS_URL"):
        own["CLOUDTASKER_REDIS_URL"] = url.replace("rediss://", "redis://", 1)
        own.pop("CLOUDTASKER_REDIS_CA", None)  # the embedded server speaks no TLS
    if url := own.get("CLOUDTASKER_DATABASE_URL"):
        own["CLOUDTASKER_DATABASE_URL"] = database_url(url, place)
    if (url := own.get("CLOUDTASKER_BLOBS_URL", "")).startswith("gs://"):
        folder = place.buckets.resolve() / url.removeprefix("gs://")
        own["CLOUDTASKER_BLOBS_URL"] = folder.as_uri()
    return own


def database_url(planned: str, place: Place) -> str:
    """Return the embedded server's URL for one of Cloud SQL's connector; others stay.

    An IAM user has no password there, so it gets the one that it has here.
    """
    parts = urlsplit(planned)
    if not parts.scheme.startswith("cloudsql") or "instance" not in parse_qs(parts.query):
        return planned
    user = unquote(parts.username or "")
    password = unquote(parts.password) if parts.password else place.password_of(user)
    if password is None:
        raise Unmade(f"there is no database user {user!r}: its google_sql_user is not made")
    if not place.postgres_port:
        raise Unmade("there is no database: its google_sql_database_instance is not made")
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"postgresql+pg8000://{credentials}@{HOST}:{place.postgres_port}{parts.path}"
