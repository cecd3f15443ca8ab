"""What hadolint and Compose themselves say of the container files."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "emulators" / "docker"
DOCKERFILES = sorted(
    Path(folder, "Dockerfile").relative_to(ROOT)
    for top in ("emulators", "functions", "grpc_gateway")
    for folder, _, files in os.walk(ROOT / top)
    if "Dockerfile" in files
)
NAMES = [str(file) for file in DOCKERFILES]


def tool(name):
    """The tool of the environment, or of this machine where there is no wheel of it."""
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name)
    assert found or sys.platform == "linux", f"{name} is not installed: make setup installs it"
    if found is None:
        pytest.skip(f"{name} has no wheel for {sys.platform} and is not on PATH")
    return found


def run(*command, **environ):
    """The command's exit code and what it printed."""
    done = subprocess.run(
        command,
        env={"PATH": os.defpath, "HOME": "/nonexistent", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_there_are_dockerfiles_for_functions_gateway_and_stand_ins():
    assert {"functions/Dockerfile", "grpc_gateway/Dockerfile", "emulators/docker/Dockerfile",
            "emulators/pubsub/Dockerfile"} <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_hadolint_finds_nothing(name):
    assert run(tool("hadolint"), str(ROOT / name)) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_the_last_stage_is_not_root_and_installs_nothing(name):
    last = re.split(r"^FROM ", (ROOT / name).read_text(), flags=re.MULTILINE)[-1]

    assert re.search(r"^USER 10001", last, re.MULTILINE)
    assert "pip install" not in last
    assert "apt-get" not in last


def test_functions_and_gateway_share_every_layer_below_their_own_code():
    """To the letter, so that one build serves both."""
    functions, gateway = (
        (ROOT / folder / "Dockerfile").read_text().partition("\nARG BASE")[2]
        for folder in ("functions", "grpc_gateway")
    )
    shared = functions.partition("\nCOPY functions")[0]

    assert "--require-hashes" in shared
    assert gateway.startswith(shared)


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_named_goes_into_the_build(name):
    ignored = (ROOT / f"{name}.dockerignore").read_text().splitlines()

    assert next(line for line in ignored if not line.startswith("#")) == "*"


@pytest.mark.parametrize("more", [(), ("compose.google.yaml",)])
def test_compose_accepts_the_files(more):
    files = [word for name in ("compose.yaml", *more) for word in ("-f", str(FOLDER / name))]

    answer = run(tool("docker-compose"), *files, "config", "-q", POSTGRES_PASSWORD="x")

    assert answer == (0, "")


def test_compose_refuses_to_start_without_a_password(tmp_path):
    copy = tmp_path / "compose.yaml"  # where no .env of `make up` is
    copy.write_text((FOLDER / "compose.yaml").read_text())

    code, said = run(tool("docker-compose"), "-f", str(copy), "config", "-q")

    assert code != 0
    assert "make up chooses one" in said
