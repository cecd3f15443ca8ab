"""The checks of `cloudtasker doctor` on the servers that a stack starts: each is run once."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

from shared.cli.checkup import Check
from shared.settings import Settings

PATIENCE_SECONDS: Final = 10
_ASK: Final = (sys.executable, "-m", "emulators.stack.binaries")
Choice = Mapping[str, Mapping[str, str]]


class NoStack(Exception):
    """The local stack is not installed."""


def chosen() -> Choice:
    """What the stack would start, by its own rule (`emulators/stack/binaries.py`).

    Raises: NoStack.
    """
    try:
        said = subprocess.run(_ASK, capture_output=True, timeout=PATIENCE_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as failure:
        raise NoStack(str(failure)) from failure
    choice: Choice = json.loads(said.stdout)
    return choice


def binaries(said: Settings, choose: Callable[[], Choice] = chosen) -> list[Check]:
    """Whether a local Postgres and a local Redis could be started; one by URL needs none."""
    urls = {
        "postgres": ("CLOUDTASKER_DATABASE_URL", said.database_url),
        "redis": ("CLOUDTASKER_REDIS_URL", said.redis_url),
    }
    try:
        choice = {} if all(url for _, url in urls.values()) else choose()
    except NoStack as reason:
        return [Check("binaries", "fail", f"{reason}", "pip install 'cloudtasker[local]'")]
    return [
        Check(f"{name} binaries", "ok", f"not needed: {variable} is set")
        if url
        else _found(f"{name} binaries", choice[name])
        for name, (variable, url) in urls.items()
    ]


def _found(name: str, choice: Mapping[str, str]) -> Check:
    if "missing" in choice:
        return Check(name, "fail", choice["missing"], choice["fix"])
    return _runs(name, choice["program"])


def _runs(name: str, program: str) -> Check:
    """Whether it can be executed here: one for another machine is a file, too."""
    try:
        said = subprocess.run(  # noqa: S603
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as failure:
        return Check(name, "fail", f"{program} does not run: {failure}", "install it again")
    version = said.stdout.partition(" sha=")[0].strip()  # Valkey goes on with its build
    return Check(name, "ok", f"{version} ({program})")
