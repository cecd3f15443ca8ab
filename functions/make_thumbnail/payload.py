"""What a `make_thumbnail` task is told. Decodes no image: that is the run's, in its own process."""

import binascii
from base64 import b64decode
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from shared.domain.payload import Payload, PlainUrl

_SAMPLE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAMAQMAAABRKa/CAAAABlBMVEUUPIzwvigESf1aAAAAJklE"
    "QVR42gXBMREAIAwEsPAL9a8ICUjp2GMiAaxjd0hVCJkJeRcfS+sFkR8jQpMAAAAASUVORK5CYII="
)
"""A yellow disc on blue, 16 x 12 pixels."""


def _base64(text: str) -> str:
    try:
        b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(
            "must be base64: A-Z, a-z, 0-9, + and /, padded with =, without white space"
        ) from None
    return text


Side = Annotated[int, Field(ge=1, le=2000)]


class MakeThumbnail(Payload):
    """One image, from a URL or inline, and the box that its small copy must fit into."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"image_base64": _SAMPLE, "max_width": 8, "max_height": 8}]}
    )

    url: Annotated[PlainUrl | None, Field(description="A public https URL, port 443 or 8443.")] = (
        None
    )
    image_base64: Annotated[
        str | None,
        Field(min_length=4, max_length=10_000_000, description="The image's bytes as base64."),
        AfterValidator(lambda text: text if text is None else _base64(text)),
    ] = None
    max_width: Annotated[Side, Field(description="In pixels.")]
    max_height: Annotated[Side, Field(description="In pixels.")]
    format: Annotated[Literal["jpeg", "png", "webp"], Field(description="Of the small copy.")] = (
        "jpeg"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.url is None) == (self.image_base64 is None):
            raise ValueError("give either url or image_base64")
        return self
