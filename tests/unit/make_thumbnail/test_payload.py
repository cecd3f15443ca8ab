"""What a `make_thumbnail` payload may hold."""

from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import ValidationError

from functions.make_thumbnail.imaging import thumbnail
from functions.make_thumbnail.payload import MakeThumbnail
from shared.adapters.catalogue import load_task_type
from shared.edges.task_type_json import example_of

ROOT = Path(__file__).resolve().parents[3]
BOX = {"max_width": 10, "max_height": 10}
INLINE = {"image_base64": b64encode(b"an image").decode()}


@pytest.mark.parametrize("source", [{}, {"url": "https://example.com/a.png", **INLINE}])
def test_there_is_exactly_one_source(source):
    with pytest.raises(ValidationError, match="give either url or image_base64"):
        MakeThumbnail(**BOX, **source)


@pytest.mark.parametrize("source", [{"url": "https://example.com/a.png"}, INLINE])
def test_either_source_will_do(source):
    assert MakeThumbnail(**BOX, **source).format == "jpeg"


@pytest.mark.parametrize("text", ["", "ab", "abc=d", "a b=", "data:image/png;base64,AAAA", "äääa"])
def test_what_is_no_base64_is_refused(text):
    with pytest.raises(ValidationError, match="base64"):
        MakeThumbnail(**BOX, image_base64=text)


@pytest.mark.parametrize("side", ["max_width", "max_height"])
@pytest.mark.parametrize(("pixels", "fits"), [(0, False), (1, True), (2000, True), (2001, False)])
def test_a_side_is_1_to_2000_pixels(side, pixels, fits):
    given = {**BOX, **INLINE, side: pixels}
    if fits:
        assert getattr(MakeThumbnail(**given), side) == pixels
    else:
        with pytest.raises(ValidationError, match=side):
            MakeThumbnail(**given)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "https://user@example.com/", "https://a\\b/", "file:///etc/passwd"],
)
def test_a_url_that_parsers_read_differently_is_refused(url):
    with pytest.raises(ValidationError, match="url"):
        MakeThumbnail(**BOX, url=url)


def test_other_formats_are_refused():
    with pytest.raises(ValidationError, match="format"):
        MakeThumbnail(**BOX, **INLINE, format="tiff")


def test_the_sample_is_an_image():
    task_type = load_task_type(ROOT, "make_thumbnail")
    sample = MakeThumbnail.model_validate(example_of(task_type))
    from base64 import b64decode

    made = thumbnail(b64decode(sample.image_base64 or ""), max_width=8, max_height=8, to="png")
    assert (made.width, made.height) == (8, 6)
