"""Run as a script, in a process of its own: compiles `schema.proto` of a folder within bounds.

It imports nothing of the emulator. protoc can read that folder only, so no import finds a file.
"""

import resource
import sys

CPU_SECONDS = 5
MEMORY_BYTES = 1_000_000_000
OUTPUT_BYTES = 8_000_000


def main(folder: str) -> int:
    """Write `folder`/schema.binpb, a FileDescriptorSet; return protoc's exit status."""
    for limit, value in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    from grpc_tools import protoc  # type: ignore[import-untyped]

    status: int = protoc.main(
        [
            "protoc",
            f"--proto_path={folder}",
            f"--descriptor_set_out={folder}/schema.binpb",
            "schema.proto",
        ]
    )
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
