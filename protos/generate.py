"""Write the Python code of every .proto file beside it, typed: `python protos/generate.py`.

Run by `make protos`. A test runs it into another folder and fails when what is committed differs.
"""

import argparse
import sys
import sysconfig
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from google.rpc import status_pb2
from grpc_tools import protoc  # type: ignore[import-untyped]  # ships no types

ROOT = Path(__file__).resolve().parent.parent
GOOGLE_APIS = Path(status_pb2.__file__).parents[2]
"""Where google/rpc/*.proto and google/api/*.proto are installed."""


def generate(into: Path = ROOT) -> None:
    """Write the code of every .proto file of this folder to `into`, at the same relative path.

    Raises: RuntimeError when the compiler refuses a file; it has said why on standard error.
    """
    sources = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "protos").rglob("*.proto"))
    code = protoc.main(["protoc", *_imports(), *_outputs(into), *sources])
    if code:
        raise RuntimeError(f"protoc failed with exit code {code}")


def _imports() -> list[str]:
    """The root comes first, so that the code is imported by the names of its folders."""
    folders = (ROOT, GOOGLE_APIS, files("grpc_tools") / "_proto")
    return [f"--proto_path={folder}" for folder in folders]


def _outputs(into: Path) -> list[str]:
    plugins = Path(sysconfig.get_path("scripts"))
    return [
        f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
        f"--python_out={into}",
        f"--grpc_python_out={into}",
        f"--mypy_out=quiet:{into}",
        f"--mypy_grpc_out=quiet:{into}",
    ]


def main(arguments: Sequence[str]) -> None:
    """Generate where the command line says."""
    parser = argparse.ArgumentParser(description="Write the Python code of every .proto file.")
    parser.add_argument("--into", type=Path, default=ROOT, help="another root folder")
    generate(parser.parse_args(arguments).into)


if __name__ == "__main__":
    main(sys.argv[1:])
