"""Resource names and list pages: their syntax and nothing of what they name."""

import base64
import binascii
import re
from collections.abc import Iterable

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DOCUMENTED, Limits

DELETED_TOPIC = "_deleted-topic_"
DELETED_SCHEMA = "_deleted-schema_"
MAX_PAGE = 1000
LAST = "\U0010ffff"  # no name comes after it

_RESOURCE = re.compile(r"projects/([^/]+)/(topics|subscriptions|snapshots|schemas)/([^/]+)")
_PROJECT = re.compile(r"projects/[^/]+")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")


def check_topic_name(name: str) -> str:
    """Return `name` if it is `projects/{project}/topics/{id}`. Raises: InvalidArgument."""
    return _check(name, "topics")


def check_subscription_name(name: str) -> str:
    """Return `name` if it is `projects/{project}/subscriptions/{id}`. Raises: InvalidArgument."""
    return _check(name, "subscriptions")


def check_schema_name(name: str) -> str:
    """Return `name` if it is `projects/{project}/schemas/{id}`. Raises: InvalidArgument."""
    return _check(name, "schemas")


def check_snapshot_name(name: str) -> str:
    """Return `name` if it is `projects/{project}/snapshots/{id}`. Raises: InvalidArgument."""
    return _check(name, "snapshots")


def check_project(name: str) -> str:
    """Return `name` if it is `projects/{project}`. Raises: InvalidArgument."""
    if not _PROJECT.fullmatch(name):
        raise InvalidArgument(f"project {name!r} is not of the form projects/{{project}}")
    return name


def split(name: str) -> tuple[str, str]:
    """Return project and short id of a checked resource name."""
    _, project, _, short_id = name.split("/")
    return project, short_id


def _check(name: str, collection: str) -> str:
    match = _RESOURCE.fullmatch(name)
    if match is None or match[2] != collection:
        raise InvalidArgument(
            f"name {name!r} is not of the form projects/{{project}}/{collection}/{{id}}"
        )
    if not _ID.fullmatch(match[3]) or match[3].startswith("goog"):
        raise InvalidArgument(
            f"id {match[3]!r} must be 3 to 255 letters, digits or -_.~+%, "
            "start with a letter and not with 'goog'"
        )
    return name


def page_of(
    names: Iterable[str], size: int, token: str, *, limits: Limits = DOCUMENTED
) -> tuple[list[str], str]:
    """Return one page of `names` in order, and the token of the next page ("" for none).

    Raises: InvalidArgument for a negative size or a token that this emulator did not make. Where
    the limits allow those, the size is the greatest, and nothing comes after the token.
    """
    if size < 0 and not limits.any_page_token:
        raise InvalidArgument(f"page_size {size} is negative")
    after = _decode(token, or_else=LAST if limits.any_page_token else None) if token else ""
    rest = sorted(name for name in names if name > after)
    page = rest[: min(size, MAX_PAGE) if size > 0 else MAX_PAGE]
    return page, _encode(page[-1]) if len(page) < len(rest) else ""


def _encode(name: str) -> str:
    return base64.urlsafe_b64encode(b"after:" + name.encode()).decode()


def _decode(token: str, *, or_else: str | None) -> str:
    try:
        text = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    if text.startswith("after:projects/"):
        return text.removeprefix("after:")
    if or_else is None:
        raise InvalidArgument(f"page_token {token!r} is not one that this emulator gave")
    return or_else
