"""A pytest plugin that notes which contract tests need `only_ours`, and a run of pytest with it."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[4]
TESTS = Path(__file__).parents[1]
VARIABLE = "CONTRACT_TESTS_FILE"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Write down all tests before any is left out."""
    found = {f"{item.path.name}::{item.originalname}": alone(item) for item in items}
    Path(os.environ[VARIABLE]).write_text(json.dumps(found))


def alone(item):
    """Say whether a test runs on our emulator only."""
    return "only_ours" in item.fixturenames


@cache
def only_ours():
    """Return for each contract test whether it needs `only_ours`, by "file::function"."""
    plugin = ("-p", "tests.contract.pubsub.coverage.collecting")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tests.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", *plugin, "--collect-only", "-q", TESTS],
            env=os.environ | {VARIABLE: str(file)},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return json.loads(file.read_text())
