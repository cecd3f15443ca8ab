"""More checks of `cloudtasker doctor`: the package, the schema, the clock, Redis, the emulator.

Each is asked for by its own setting or by the stack that runs here; none changes anything.
"""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sized
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from shared.cli.checkup import Check
from shared.cli.probes import ProbeFailed, probe_port, probe_redis
from shared.cli.stack_state import StackState, settings
from shared.domain.errors import Misconfigured

PACKAGE: Final = "cloudtasker"
MOST_SKEW_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 5.0


def package() -> Check:
    """Whether the installed files are those that were built: by the hashes of RECORD."""
    try:
        found = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        return Check("package", "ok", "not installed: it runs from its sources")
    if "editable" in (found.read_text("direct_url.json") or ""):
        return Check("package", "ok", f"{found.version}, editable: its files may change")
    return judged(found)


def judged(found: metadata.Distribution) -> Check:
    """The verdict on a distribution that has a RECORD."""
    files = [one for one in found.files or () if one.hash]
    wrong = sorted(str(one) for one in files if not _is_whole(one))
    if not wrong:
        return Check("package", "ok", f"{found.version}, {len(files)} files as built")
    said = f"{len(wrong)} of {len(files)} files changed or missing: {', '.join(wrong[:3])}"
    return Check("package", "fail", said, f"pip install --force-reinstall {PACKAGE}")


def _is_whole(file: metadata.PackagePath) -> bool:
    if file.hash is None or file.hash.mode != "sha256":
        return True
    try:
        digest = sha256(file.read_binary()).digest()
    except OSError:
        return False
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value


def task_files(root: Path, load: Callable[..., Sized] | None = None) -> list[Check]:
    """Whether this checkout's task types can be read, as every process of the stack does."""
    from shared.adapters.catalogue import load_catalogue

    if not (root / "functions").is_dir():
        return []
    try:
        found = (load or load_catalogue)(root, settings().task_overrides)
    except Exception as wrong:  # a payload.py is anybody's code; what it raises is told
        said = (
            str(wrong) if isinstance(wrong, Misconfigured) else f"{type(wrong).__name__}: {wrong}"
        )
        fix = "correct what is named; until then nothing that reads task types works"
        return [Check("task files", "fail", said, fix)]
    return [Check("task files", "ok", f"{len(found)} task types")]


async def database(state: StackState | None) -> list[Check]:
    """The schema's level, and the database's clock against this machine's."""
    url = state.postgres if state else settings().database_url
    if not url:
        return []
    return await asyncio.to_thread(_asked, url)


def _asked(url: str) -> list[Check]:
    from shared.adapters.pg_connection import REVISION, connect

    try:
        connection = connect(url)
    except Exception as failure:  # a driver's errors have no common base; it is told, not hidden
        fix = "start it, or correct CLOUDTASKER_DATABASE_URL"
        return [Check("schema", "fail", f"no connection: {type(failure).__name__}", fix)]
    try:
        [[table]] = connection.run("SELECT to_regclass('alembic_version')::text")
        rows = connection.run("SELECT version_num FROM alembic_version") if table else []
        before = time.time()
        [[theirs]] = connection.run("SELECT extract(epoch FROM clock_timestamp())::float8")
        middle = (before + time.time()) / 2
    finally:
        connection.close()
    level = rows[0][0] if rows else "none"
    return [schema(level, REVISION), clocks(theirs - middle)]


def schema(level: str, needed: str) -> Check:
    """Whether the schema is the one that this code needs."""
    if level == needed:
        return Check("schema", "ok", level)
    fix = "cloudtasker migrate"
    return Check("schema", "fail", f"it is at {level}, this code needs {needed}", fix)


def clocks(ahead_seconds: float) -> Check:
    """Whether the database's clock is this machine's."""
    said = f"the database's is {ahead_seconds:+.1f} s from this machine's"
    if abs(ahead_seconds) <= MOST_SKEW_SECONDS:
        return Check("clock", "ok", said)
    return Check("clock", "warn", said, "synchronise both (NTP): run_at is judged by the database")


async def redis(state: StackState | None) -> list[Check]:
    """The Redis of the settings; the stack's own is one of its parts."""
    url = settings().redis_url
    if not url or (state and state.redis == url):
        return []
    host = urlsplit(url).hostname or ""
    fix = "start it, or correct CLOUDTASKER_REDIS_URL; without it the ledger does its work, slower"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [Check("redis of the settings", "ok", f"{host} {await probe_redis(url)}")]
    except (ProbeFailed, OSError, TimeoutError) as failure:
        said = f"{host}: {failure or type(failure).__name__}"
        return [Check("redis of the settings", "warn", said, fix)]


async def emulator(state: StackState | None) -> list[Check]:
    """Whether PUBSUB_EMULATOR_HOST, where it is set, leads to the stack's Pub/Sub."""
    address = settings().pubsub_emulator_host
    return [await _emulator(address, state)] if address else []


async def _emulator(address: str, state: StackState | None) -> Check:
    if state and address != state.pubsub:
        said = f"PUBSUB_EMULATOR_HOST is {address}, the stack's Pub/Sub is {state.pubsub}"
        return Check("pubsub of the settings", "warn", said, "unset it, or set the stack's address")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            said = await probe_port(address)
    except (OSError, ValueError, TimeoutError) as failure:
        said = f"{address}: {failure or type(failure).__name__}"
        fix = "start it, or unset PUBSUB_EMULATOR_HOST to use Google's"
        return Check("pubsub of the settings", "fail", said, fix)
    return Check("pubsub of the settings", "ok", f"{address} {said}")
