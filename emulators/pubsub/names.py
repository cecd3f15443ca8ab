"""Resource names and list pages: their syntax and nothing of what they name."""

import base64
import binascii
import re
from collections.abc import Iterable

from emulators.pubsub.errors import InvalidArgument

DELETED_TOPIC = "_deleted-topic_"
MAX_PAGE = 1000

_RESOURCE = re.compile(r"projects/([^/]+)/(topics|subscriptions)/([^/]+)")
_PROJECT = re.compile(r"projects/[^/]+")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")


def check_topic_name(name: str) -> str:
    """Return `name` if it is `projects/{project}/topics/{id}`. Raises: InvalidArgument."""
    return _check(name, "topics")


def check_subscription_name(name: str) -> str:
    """Return `name` if it is `projects/{project}/subscriptions/{id}`. Raises: InvalidArgument."""
    return _check(name, "subscriptions")


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
    if not _ID.fullmatch(match[3]) or match[3].lower().startswith("goog"):
        raise InvalidArgument(
            f"id {match[3]!r} must be 3 to 255 letters, digits or -_.~+%, "
            "start with a letter and not with 'goog'"
        )
    return name


def page_of(names: Iterable[str], size: int, token: str) -> tuple[list[str], str]:
    """Return one page of `names` in order, and the token of the next page ("" for none).

    Raises: InvalidArgument for a negative size or a token that this emulator did not make.
    """
    if size < 0:
        raise InvalidArgument(f"page_size {size} is negative")
    after = _decode(token) if token else ""
    rest = sorted(name for name in names if name > after)
    page = rest[: min(size or MAX_PAGE, MAX_PAGE)]
    return page, _encode(page[-1]) if len(page) < len(rest) else ""


def _encode(name: str) -> str:
    return base64.urlsafe_b64encode(b"after:" + name.encode()).decode()


def _decode(token: str) -> str:
    try:
        text = base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    if not text.startswith("after:projects/"):
        raise InvalidArgument(f"page_token {token!r} is not one that this emulator gave")
    return text.removeprefix("after:")
