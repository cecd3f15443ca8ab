"""What a `deliver_webhook` task is told. Looks nothing up: the address guard does, at run time."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, JsonValue

from shared.domain.payload import Payload, PlainUrl

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_RESERVED: Final = frozenset(
    (
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "metadata-flavor",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    )
)
_RESERVED_PREFIXES: Final = ("cloudtasker-", "proxy-")


def _free_name(name: str) -> str:
    """Refuse names that frame the request, that we set, or that carry credentials."""
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("a header's name must be 1 to 64 letters, digits and hyphens")
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIXES):
        raise ValueError(f"header {name} cannot be set by a payload")
    return name


def _one_line(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("must be one line of printable ASCII: it is a header")
    return value.strip()


HeaderName = Annotated[str, AfterValidator(_free_name)]
HeaderValue = Annotated[str, Field(max_length=1024), AfterValidator(_one_line)]


def _named_once(headers: dict[str, str]) -> dict[str, str]:
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("two headers have the same name")
    return headers


class DeliverWebhook(Payload):
    """One JSON object for one URL, which is POSTed to."""

    url: Annotated[PlainUrl, Field(description="A public https URL, port 443 or 8443.")]
    body: Annotated[dict[str, JsonValue], Field(description="What is sent, as JSON.")]
    headers: Annotated[dict[HeaderName, HeaderValue], AfterValidator(_named_once)] = Field(
        default_factory=dict,
        max_length=20,
        description="Headers to add; none that frame or authorise the request.",
    )
