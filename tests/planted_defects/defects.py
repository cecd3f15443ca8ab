"""The list of planted defects, which stands in `defects.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Defect:
    """`old`, found once in emulators/pubsub/`file`, becomes `new`; one of `tests` must fail."""

    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def read(path: Path) -> tuple[Defect, ...]:
    """Return the defects of a list; a test without a folder is a unit test of the emulator."""
    rows = tomllib.loads(path.read_text())["defect"]
    return tuple(Defect(**{**row, "tests": tuple(map(_file_of, row["tests"]))}) for row in rows)


def _file_of(test: str) -> str:
    return test if "/" in test else f"tests/unit/pubsub/test_{test}.py"


DEFECTS = read(Path(__file__).with_name("defects.toml"))
