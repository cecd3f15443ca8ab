"""What the transforms of a topic or a subscription may be; their code is compiled elsewhere."""

import re
from collections.abc import Sequence

from emulators.pubsub.errors import InvalidArgument, Unimplemented
from emulators.pubsub.protos import Compression, JavaScriptUDF, MessageTransform

MAX_TRANSFORMS = 5
MAX_CODE_BYTES = 20 * 1024
ZLIB, ZSTD = 1, 3  # Compression.CompressionAlgorithm
COMPRESS, DECOMPRESS = 1, 2  # Compression.CompressionMode

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def kind_of(transform: MessageTransform) -> str | None:
    """Return which transform it is: javascript_udf, compression, ai_inference; None for none."""
    kind: str | None = transform.WhichOneof("transform")
    return kind


def enabled(transforms: Sequence[MessageTransform]) -> list[MessageTransform]:
    """Return the transforms that are to be applied, in order."""
    return [transform for transform in transforms if not transform.disabled]


def check_transforms(transforms: Sequence[MessageTransform]) -> None:
    """Check everything but the code itself; a disabled transform must be right as well.

    Raises: InvalidArgument; Unimplemented for AI inference and Zstandard. Source: Pub/Sub,
    "SMTs overview" and "User-defined functions", limitations.
    """
    if len(transforms) > MAX_TRANSFORMS:
        raise InvalidArgument(f"{len(transforms)} transforms, the limit is {MAX_TRANSFORMS}")
    for transform in transforms:
        kind = kind_of(transform)
        if kind == "javascript_udf":
            _check_function(transform.javascript_udf)
        elif kind == "compression":
            _check_compression(transform.compression)
        elif kind == "ai_inference":
            raise Unimplemented("message_transforms: ai_inference is not run by this emulator")
        else:
            raise InvalidArgument("message_transforms: an element has no transform")
    names = [
        one.javascript_udf.function_name for one in transforms if kind_of(one) == "javascript_udf"
    ]
    if len(set(names)) < len(names):
        raise InvalidArgument("message_transforms: each function_name may stand once")


def _check_function(function: JavaScriptUDF) -> None:
    if not _IDENTIFIER.fullmatch(function.function_name):
        raise InvalidArgument(
            f"javascript_udf.function_name {function.function_name[:60]!r} is not a name"
        )
    size = len(function.code.encode())
    if not 1 <= size <= MAX_CODE_BYTES:
        raise InvalidArgument(f"javascript_udf.code has {size} bytes, not 1 to {MAX_CODE_BYTES}")


def _check_compression(compression: Compression) -> None:
    if compression.compression_mode not in (COMPRESS, DECOMPRESS):
        raise InvalidArgument(
            f"compression_mode {compression.compression_mode} is not COMPRESS (1) or DECOMPRESS (2)"
        )
    if compression.compression_algorithm == ZSTD:
        raise Unimplemented("message_transforms: ZSTD is not run by this emulator, ZLIB is")
    if compression.compression_algorithm != ZLIB:
        raise InvalidArgument(
            f"compression_algorithm {compression.compression_algorithm} is not ZLIB (1) or ZSTD (3)"
        )
