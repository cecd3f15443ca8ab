"""A copy of the product with the task type `record` in it."""

import shutil
from pathlib import Path
from typing import Final

from tests.e2e.local_stack import CHECKOUT

PRODUCT: Final = ("functions", "grpc_gateway", "protos", "shared", "emulators")


def checkout(folder: Path) -> Path:
    """Make the copy in `folder`, and return its root."""
    root = folder / "checkout"
    for name in PRODUCT:
        shutil.copytree(
            CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    shutil.copytree(Path(__file__).with_name("record"), root / "functions" / "record")
    return root
