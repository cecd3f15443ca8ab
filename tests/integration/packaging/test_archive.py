"""Every function starts from the unpacked archive alone: a fresh virtual environment with what the
archive pins, the framework's own command, and nothing of the checkout on the path."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from infra.package import ROOT, build
from tests.support.ports import free_port

FUNCTIONS = sorted(file.parent.name for file in ROOT.glob("functions/*/main.py"))
NOWHERE = "postgresql+pg8000://nobody@127.0.0.1:9/nothing"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    with ZipFile(build(tmp_path_factory.mktemp("dist"))) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def fresh_python(unpacked, tmp_path_factory) -> Path:
    """An interpreter that has what the archive pins, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    tool = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    pins = ["--require-hashes", "-r", unpacked / "requirements.txt"]
    subprocess.run([*tool, "--quiet", *pins], check=True)
    return python


async def answered(port: int, process: asyncio.subprocess.Process) -> int:
    """Return the status of GET /health, once somebody listens."""
    async with asyncio.timeout(90), httpx.AsyncClient(timeout=20) as http:
        while process.returncode is None:
            try:
                return (await http.get(f"http://127.0.0.1:{port}/health")).status_code
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
    raise AssertionError((await process.communicate())[0].decode())


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_a_function_starts_from_the_archive_alone(unpacked, fresh_python, function):
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        fresh_python.with_name("functions-framework"),
        cwd=unpacked,
        env={
            "PATH": os.environ["PATH"],
            "FUNCTION_TARGET": function,
            "FUNCTION_SOURCE": f"functions/{function}/main.py",
            "FUNCTION_USE_ASGI": "true",
            "FUNCTION_SIGNATURE_TYPE": "http",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PYTHONPATH": str(unpacked),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CLOUDTASKER_DATABASE_URL": NOWHERE,
            "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        status = await answered(port, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()

    assert status == 200


def test_the_fresh_environment_knows_nothing_of_the_checkout(fresh_python, tmp_path):
    names = "('shared', 'emulators', 'watchfiles')"
    code = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    said = subprocess.run(
        [fresh_python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "[]"
