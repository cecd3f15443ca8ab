"""The entry points of the task types: what a cold start imports, and what it must not."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROBE = """
import sys, functions.{name}.main as main
late = "httpx", "aiosmtplib", "google.pubsub_v1", "alembic", "aiohttp", "dns", "PIL", "fsspec"
print(main.{name}.__name__, *(module for module in late if module in sys.modules))
"""


@pytest.mark.parametrize("name", ["send_email", "deliver_webhook", "make_thumbnail", "noop"])
def test_an_entry_point_imports_nothing_that_only_a_run_needs(name):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(name=name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == [name]
