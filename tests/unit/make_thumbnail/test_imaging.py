"""What becomes of an image: its size, its way up, its colours, and what is refused unread."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from functions.make_thumbnail.imaging import MAX_PIXELS, UnusableImage, thumbnail
from tests.unit.make_thumbnail.images import BLUE, RED, bomb, encoded, opened, two_coloured


def small(content, box=(30, 30), to="png"):
    made = thumbnail(content, max_width=box[0], max_height=box[1], to=to)
    image = opened(made.content)
    assert image.size == (made.width, made.height)
    return image.copy() if to == "webp" else image


def near(colour, wanted):
    return all(abs(one - other) < 25 for one, other in zip(colour, wanted, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("to", ["jpeg", "png", "webp"])
def test_every_format_becomes_every_format_in_its_proportions(kind, to):
    made = thumbnail(encoded(two_coloured(), kind), max_width=30, max_height=30, to=to)
    image = opened(made.content)

    assert (image.format, image.size) == (to.upper(), (30, 20))
    pixels = image.convert("RGB")
    assert near(pixels.getpixel((4, 10)), RED)
    assert near(pixels.getpixel((25, 10)), BLUE)


@pytest.mark.parametrize(
    ("size", "box", "wanted"),
    [
        ((60, 40), (30, 2000), (30, 20)),
        ((60, 40), (2000, 10), (15, 10)),
        ((60, 40), (60, 40), (60, 40)),
        ((60, 40), (2000, 2000), (60, 40)),
        ((3000, 1), (100, 100), (100, 1)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_it_fits_the_box_and_is_never_enlarged(size, box, wanted):
    assert small(encoded(two_coloured(size)), box).size == wanted


def oriented(number, kind):
    exif = Image.Exif()
    exif[0x0112] = number
    upright = two_coloured()
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[number]
    stored = upright.transpose(back) if back is not None else upright
    return encoded(stored, kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("number", range(1, 9))
def test_it_is_upright_whatever_the_camera_noted(number, kind):
    image = small(oriented(number, kind), (24, 30)).convert("RGB")

    assert image.size == (24, 16)
    assert near(image.getpixel((3, 8)), RED)
    assert near(image.getpixel((20, 8)), BLUE)


def test_an_orientation_that_there_is_not_changes_nothing():
    exif = Image.Exif()
    exif[0x0112] = 77

    assert small(encoded(two_coloured(), "JPEG", exif=exif)).size == (30, 20)


@pytest.mark.parametrize("to", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_metadata_is_kept(kind, to):
    secret = b"canary-7261"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    said = PngInfo()
    said.add_text("Comment", secret.decode())
    extra = {"JPEG": {"comment": secret}, "PNG": {"pnginfo": said}, "WEBP": {"xmp": secret}}[kind]
    content = encoded(two_coloured(), kind, exif=exif, icc_profile=b"profile" + secret, **extra)
    assert secret in content

    assert secret not in thumbnail(content, max_width=30, max_height=30, to=to).content


def test_what_is_transparent_stays_so_or_turns_white_in_a_jpeg():
    clear = encoded(Image.new("RGBA", (60, 40), (0, 0, 0, 0)))

    assert small(clear, to="png").getpixel((5, 5))[3] == 0
    assert small(clear, to="webp").getpixel((5, 5))[3] == 0
    assert near(small(clear, to="jpeg").getpixel((5, 5)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16", "RGBA"])
def test_every_kind_of_pixel_keeps_what_it_shows(mode):
    if mode == "I;16":
        image = Image.new(mode, (60, 40), 0)
        image.paste(65_535, (0, 0, 30, 40))
    else:
        image = Image.new("RGB", (60, 40), "black")
        image.paste("white", (0, 0, 30, 40))
        image = image.convert("L").convert(mode) if mode == "LA" else image.convert(mode)
    made = small(encoded(image, "JPEG" if mode == "CMYK" else "PNG")).convert("RGB")

    assert near(made.getpixel((4, 10)), (255, 255, 255))
    assert near(made.getpixel((25, 10)), (0, 0, 0))


def test_of_an_animation_the_first_picture_counts():
    red, blue = (Image.new("RGB", (60, 40), colour) for colour in (RED, BLUE))
    moving = encoded(red, "GIF", save_all=True, append_images=[blue])

    assert near(small(moving).convert("RGB").getpixel((5, 5)), RED)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [7072, 10_000, 100_000, 2_000_000_000])
def test_a_bomb_is_refused_by_its_header(side):
    assert side * side > MAX_PIXELS

    with pytest.raises(UnusableImage, match="pixels"):
        small(bomb(side, side))


def test_a_header_just_under_the_limit_is_read_on():
    with pytest.raises(UnusableImage, match="damaged"):
        small(bomb(7071, 7071))


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO", "TGA", "PDF"])
def test_other_formats_are_refused(kind):
    with pytest.raises(UnusableImage, match="no image in a format that is read"):
        small(encoded(two_coloured(), kind))


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_image_is_refused(content):
    with pytest.raises(UnusableImage, match="no image in a format that is read"):
        small(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_was_cut_off_is_refused(kind):
    whole = encoded(two_coloured((300, 200)), kind)

    with pytest.raises(UnusableImage):
        small(whole[: len(whole) // 2])


WHOLE = {kind: encoded(two_coloured(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")}
WITH_EXIF = oriented(6, "JPEG")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*WHOLE.values(), WITH_EXIF]),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=4)), max_size=4),
)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_gives_a_thumbnail_or_a_refusal_and_nothing_else(content, damages):
    damaged = bytearray(content)
    for at, other in damages:
        at %= len(damaged)
        damaged[at : at + len(other)] = other
    try:
        made = thumbnail(bytes(damaged), max_width=20, max_height=20, to="png")
    except UnusableImage:
        return
    assert max(made.width, made.height) <= 20
