"""The base of every task type's payload model. Imported at enqueue and at run: keep it light."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, HttpUrl


class Payload(BaseModel):
    """The caller's input of one task; a field that the model does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _plain_url(url: object) -> object:
    """Refuse what parsers read differently from each other, before one of them reads it."""
    if not isinstance(url, str):
        return url
    if not re.match(r"https?://[^/]", url, re.IGNORECASE):
        raise ValueError("must begin with https:// and a host")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("must not contain white space or control characters")
    if "\\" in url:
        raise ValueError("must not contain a backslash")
    if "@" in re.split(r"[/?#]", url.partition("://")[2])[0]:
        raise ValueError("must not contain a user name or password")
    return url


PlainUrl = Annotated[HttpUrl, BeforeValidator(_plain_url)]
"""An http or https URL that every parser reads alike. Whether it may be reached is not said."""
