"""What a person is told who lacks something."""

import os
import stat
from pathlib import Path

import pytest

from emulators.terraform import schema_cache
from emulators.terraform.__main__ import main
from emulators.terraform.errors import TerraformError
from emulators.terraform.real import newest_archive
from emulators.terraform.terraform import executable


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Put a program named terraform, and nothing else, on PATH."""

    def put(version: str | None) -> Path:
        if version:
            program = tmp_path / "terraform"
            program.write_text(f"#!/bin/sh\necho 'Terraform v{version}'\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    return put


def test_a_missing_terraform_is_named_with_the_version_to_install(on_path):
    on_path(None)

    with pytest.raises(TerraformError, match=r"not on PATH.*Nothing was planned.*1\.11"):
        executable()


@pytest.mark.parametrize("version", ["0.13.5", "1.9.8", "1.10.0"])
def test_one_that_is_too_old_is_refused_with_both_versions(on_path, version):
    on_path(version)

    with pytest.raises(TerraformError, match=version.rpartition(".")[0]):
        executable()


@pytest.mark.parametrize("version", ["1.11.0", "1.14.2", "2.0.0"])
def test_one_that_is_new_enough_is_used(on_path, version):
    assert executable_in(on_path(version))


def test_without_an_archive_the_real_providers_are_not_asked(tmp_path):
    with pytest.raises(TerraformError, match=r"there is no archive in .*`make package` builds one"):
        newest_archive(tmp_path)


def test_the_archive_that_was_built_last_is_the_newest(tmp_path):
    for age, name in enumerate(("b", "a")):
        file = tmp_path / "dist" / f"cloudtasker-{name}.zip"
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (1000 + age, 1000 + age))

    assert newest_archive(tmp_path).name == "cloudtasker-a.zip"


@pytest.mark.parametrize("command", ["plan", "plan-real"])
def test_an_archive_that_is_not_there_is_named_with_the_fix(command, capsys):
    assert main([command, "dev", "--archive", "nowhere/cloudtasker.zip"]) == 1
    assert "no archive nowhere/cloudtasker.zip. Nothing was planned. `make package`" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("command", ["plan", "plan-real"])
def test_an_environment_that_there_is_not_is_told_with_those_that_there_are(command, capsys):
    assert main([command, "staging"]) == 1
    assert "no environment staging; there are dev, prod" in capsys.readouterr().err


def executable_in(folder: Path) -> bool:
    return executable() == os.path.join(folder, "terraform")


def test_a_package_index_that_is_away_is_told_with_the_fix(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(TerraformError, match=r"could not be fetched(.|\n)*run `make plan` again"):
        schema_cache.schemas(tmp_path)
    assert list(tmp_path.iterdir()) == []
