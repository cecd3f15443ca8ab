"""What `new-task` writes works: for pytest, for the catalogue, and for the linters."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["abc", "resize_image", "abcdefghijkl_nopqrstuvwx"]
"""The shortest and the longest name too: line lengths depend on them."""
LOAD = """
import json
from pathlib import Path
from shared.adapters.catalogue import load_catalogue
from shared.edges.task_type_json import task_type_json
types = load_catalogue(Path())
print(json.dumps({name: task_type_json(one)["example"] for name, one in types.items()}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """What a task type stands on, and nothing else; with new task types in it."""
    root: Path = tmp_path_factory.mktemp("checkout")
    for folder in ("shared", "tests/unit"):
        (root / folder).mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "shared", root / "shared", dirs_exist_ok=True, ignore=skip)
    for file in ("functions/__init__.py", "tests/__init__.py", "tests/unit/__init__.py"):
        (root / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, root / file)
    shutil.copy(ROOT / "pyproject.toml", root)
    for name in NAMES:
        run(root, sys.executable, "-m", "shared.cli", "new-task", name)
    return root


def run(root: Path, *words: str) -> str:
    """What the command prints, in the checkout alone; it must succeed."""
    alone = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        words, cwd=root, env=alone, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def written(root: Path) -> list[str]:
    return [str(root / part / name) for name in NAMES for part in ("functions", "tests/unit")]


def test_its_own_test_passes(checkout):
    said = run(
        checkout, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *written(checkout)
    )

    assert f"{4 * len(NAMES)} passed" in said


def test_the_catalogue_takes_it_and_has_a_sample_of_it(checkout):
    samples = json.loads(run(checkout, sys.executable, "-c", LOAD))

    assert samples == {name: {"text": "Two words"} for name in NAMES}


def test_the_linters_are_content_whatever_the_length_of_the_name(checkout):
    ruff = [sys.executable, "-m", "ruff"]

    run(checkout, *ruff, "format", "--no-cache", "--check", *written(checkout))
    run(checkout, *ruff, "check", "--no-cache", *written(checkout))


def test_the_type_checker_is_content(checkout):
    packages = [word for name in NAMES for word in ("-p", f"functions.{name}")]

    run(checkout, sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, *packages)
