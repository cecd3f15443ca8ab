"""What the commands say when they cannot work, and what they leave alone then."""

import hashlib
import io
import os
import re
import shutil
import socket
import zipfile
from pathlib import Path

import pytest

from emulators.cloud.__main__ import how_to_call, main
from emulators.cloud.deployment import Deployment
from emulators.cloud.folder import Folder
from emulators.cloud.local_cloud import LocalCloud
from emulators.terraform.provider import CloudError
from tests.support.ports import free_port


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "infra" / "environments" / "dev").mkdir(parents=True)
    return tmp_path


def told(capsys, *words: object) -> str:
    assert main([str(word) for word in words]) == 1
    return capsys.readouterr().err


def test_an_environment_that_is_none_is_named_with_those_there_are(checkout, capsys):
    said = told(capsys, "apply", "staging", "--root", checkout)

    assert "'staging'" in said
    assert "there are: dev" in said


def test_without_an_archive_nothing_is_begun(checkout, capsys):
    assert "Fix: make package" in told(capsys, "apply", "dev", "--root", checkout)
    assert not (checkout / ".cloudtasker").exists()


def test_an_archive_that_is_not_there_is_named(checkout, capsys):
    said = told(capsys, "apply", "--root", checkout, "--archive", checkout / "gone.zip")

    assert "gone.zip is not there" in said
    assert not (checkout / ".cloudtasker").exists()


def test_without_terraform_nothing_is_begun(checkout, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout))

    assert "Install version 1.11" in told(capsys, "apply", "--root", checkout)
    assert not (checkout / ".cloudtasker").exists()


def test_a_terraform_that_is_too_old_is_told(checkout, capsys, monkeypatch):
    old = checkout / "terraform"
    old.write_text("#!/bin/sh\necho Terraform v1.10.5\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{checkout}:/bin:/usr/bin")

    assert "is version 1.10" in told(capsys, "apply", "--root", checkout)


def test_what_is_not_deployed_is_nothing_to_destroy(checkout, capsys):
    assert main(["destroy", "--root", str(checkout)]) == 0
    assert "nothing to destroy" in capsys.readouterr().out


def test_a_type_that_nothing_here_knows_is_held_in_the_state(tmp_path):
    cloud, value = LocalCloud(Folder(tmp_path), client=None), {"name": "a"}

    assert cloud.create("google_of_tomorrow", value) == {}
    assert cloud.update("google_of_tomorrow", value, value) == {}
    assert cloud.read("google_of_tomorrow", value) == value
    assert cloud.delete("google_of_tomorrow", value) is None


def test_a_topic_without_a_place_to_make_it_is_refused(tmp_path):
    with pytest.raises(CloudError, match="pubsub_custom_endpoint"):
        LocalCloud(Folder(tmp_path), client=None).create("google_pubsub_topic", {"name": "a"})


@pytest.mark.parametrize("name", ["functions.zip", f"cloudtasker-{'1' * 64}.zip"])
@pytest.mark.parametrize("command", ["apply", "plan"])
def test_an_archive_that_is_none_of_ours_is_refused_before_anything(
    checkout, capsys, command, name
):
    (checkout / name).write_bytes(b"PK, and then nothing")

    said = told(capsys, command, "--root", checkout, "--archive", checkout / name)

    assert "is damaged, or none that `make package` made" in said
    assert "Fix: make package" in said
    assert not (checkout / ".cloudtasker").exists()


def archive_in(folder) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("requirements.txt", "")
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    made = folder / f"cloudtasker-{digest}.zip"
    made.write_bytes(content.getvalue())
    return made


def test_a_port_that_is_taken_is_refused_before_anything(checkout, capsys):
    made = archive_in(checkout)
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        asked = ["--archive", made, "--api-port", port]
        said = told(capsys, "apply", "--root", checkout, *asked)

    assert f"port {port}, which --api-port asks for, is in use by" in said
    assert f"(pid {os.getpid()})" in said
    assert f"Fix: --api-port {port + 1}" in said
    assert not (checkout / ".cloudtasker").exists()


def test_the_commands_that_are_advised_are_there_without_an_activated_environment(
    checkout, monkeypatch
):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    deployment = Deployment(checkout, "dev", Folder(checkout / "deployed"))

    said = how_to_call(deployment, {})

    advised = re.findall(r"(\S*cloudtasker) (?:keys|tasks)", said)
    assert len(advised) == 2
    assert all(shutil.which(command.removeprefix("CLOUDTASKER_API_KEY=$(")) for command in advised)
