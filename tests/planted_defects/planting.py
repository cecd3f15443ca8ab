"""Puts a defect into a copy of the code and runs the tests that must notice it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.planted_defects.defects import Defect

ROOT = Path(__file__).parents[2]
CODE = Path("emulators", "pubsub")
NEEDED = ("emulators", "functions", "protos", "shared", "tests", "pyproject.toml")
LIMIT_SECONDS = 180
LIMIT_OF_A_TEST = 30  # a defect may make a test wait for ever


def find(defect: Defect, root: Path = ROOT) -> int:
    """Return how often the code to be changed is found; it must be once."""
    path = root / CODE / defect.file
    return path.read_text().count(defect.old) if path.is_file() else 0


def copy_to(folder: Path) -> None:
    """Copy what the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder)


@contextmanager
def planted(defect: Defect, root: Path) -> Iterator[None]:
    """The copy at `root` with one defect. Raises: ValueError if it does not apply."""
    if (times := find(defect, root)) != 1:
        raise ValueError(f"{defect.file} has its text {times} times instead of once")
    path = root / CODE / defect.file
    sound = path.read_text()
    path.write_text(sound.replace(defect.old, defect.new))
    try:
        yield
    finally:
        path.write_text(sound)


def tests_fail(tests: Sequence[str], root: Path) -> bool:
    """Say whether a test fails, or never ends, in the copy at `root`.

    Raises: RuntimeError if the tests could not be run.
    """
    quiet = ("-q", "-x", "--no-header", "--tb=no", "--show-capture=no")
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-B", "-m", "pytest", *quiet),
                *("-p", "tests.planted_defects.no_shrinking", "-k", "not googles"),
                *("-o", f"timeout={LIMIT_OF_A_TEST}"),
                *tests,
            ],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):
        raise RuntimeError("\n".join(done.stdout.splitlines()[-5:]) + done.stderr[-500:])
    return done.returncode == 1
