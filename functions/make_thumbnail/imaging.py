"""From the bytes of an image to the bytes of a small one. Pure, and blocking: run it in a thread.

The header decides before anything is decoded: which format, and how many pixels.
"""

import struct
import threading
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal

from shared.domain.outcome import RejectTask

if TYPE_CHECKING:
    from PIL.Image import Image

Format = Literal["jpeg", "png", "webp"]
READABLE: Final = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS: Final = 50_000_000
_QUALITY: Final = 85
_ORIENTATION: Final = 0x0112
_TURNED: Final = (5, 6, 7, 8)
"""Orientations of EXIF that swap width and height."""
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
)
"""What Pillow raises for files that are not what their header says."""
_one_at_a_time = threading.Lock()
"""Decoding takes up to 0.9 GB, whatever the number of runs."""


class UnusableImage(RejectTask):
    """The image cannot be read, or is too large; it would be the same again."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An encoded image, and its size in pixels."""

    content: bytes
    width: int
    height: int


def thumbnail(content: bytes, *, max_width: int, max_height: int, to: Format) -> Thumbnail:
    """The image of `content` upright, within the box, in its own proportions, never enlarged.

    Of an animation the first picture. No metadata is kept; JPEG, which has no transparency, gets
    white behind it. Raises: UnusableImage.
    """
    from PIL import Image

    with _one_at_a_time:
        try:
            with Image.open(BytesIO(content), formats=READABLE) as image:
                _check_pixels(image.width, image.height)
                return _encoded(_small(image, (max_width, max_height)), to)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise UnusableImage(f"the image has over {MAX_PIXELS:,} pixels") from None
        except _BROKEN as broken:
            raise UnusableImage(_reason(broken)) from broken


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnusableImage(
            f"the image has {width} x {height} pixels; at most {MAX_PIXELS:,} are read"
        )


def _reason(broken: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(broken, UnidentifiedImageError):
        return f"this is no image in a format that is read ({', '.join(READABLE)})"
    return f"the image is damaged: {broken}"


def _small(image: "Image", box: tuple[int, int]) -> "Image":
    """The pixels alone, upright and within `box`."""
    from PIL import Image

    longest = max(box)
    # A large JPEG is decoded at a fraction of its size, still twice what is wanted.
    image.draft(None, (2 * longest, 2 * longest))
    pixels = _plain(image)
    orientation = _orientation(image)
    pixels.thumbnail(box[::-1] if orientation in _TURNED else box, Image.Resampling.LANCZOS)
    return _upright(pixels, orientation)


def _plain(image: "Image") -> "Image":
    """As RGB or RGBA: other modes cannot be scaled well, or not be written in every format."""
    image.load()
    if image.mode.startswith("I"):  # 16 bits of grey
        return image.point(lambda value: value / 256, "L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _orientation(image: "Image") -> int:
    """EXIF's, 1 where it says none: a damaged note beside a good picture harms nobody."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        return 1


def _upright(image: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _encoded(image: "Image", to: Format) -> Thumbnail:
    if to == "jpeg" and image.mode == "RGBA":
        image = _on_white(image)
    image.info.clear()  # encoders write comments and profiles that they find here
    file = BytesIO()
    image.save(file, format=to, quality=_QUALITY, exif=b"")
    return Thumbnail(file.getvalue(), image.width, image.height)


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white
