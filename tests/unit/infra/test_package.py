import os
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.package import ROOT, archive_of, build

PARTS = ("functions", "protos", "shared", "requirements")


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the sources whose files have other times and modes."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part)
    for number, file in enumerate(sorted(tmp_path.rglob("*.py"))):
        os.utime(file, (number, number))
        file.chmod(0o600)
    return tmp_path


def names(archive: Path) -> list[str]:
    with ZipFile(archive) as opened:
        return opened.namelist()


def test_the_same_sources_make_the_same_bytes(checkout):
    assert archive_of(checkout) == archive_of(ROOT)


def test_a_changed_source_changes_the_name(checkout, tmp_path):
    before = build(tmp_path / "out", checkout)
    (checkout / "functions" / "noop" / "handler.py").write_text("# changed")

    assert build(tmp_path / "out", checkout) != before


def test_what_is_no_source_changes_nothing(checkout):
    before = archive_of(checkout)
    (checkout / "functions" / "noop" / "__pycache__").mkdir(exist_ok=True)
    (checkout / "functions" / "noop" / "__pycache__" / "handler.cpython-311.py").write_text("x")
    (checkout / "functions" / "noop" / "notes.md").write_text("x")

    assert archive_of(checkout) == before


def test_it_holds_every_function_and_its_pinned_requirements(tmp_path):
    held = names(build(tmp_path))

    mains = {file.relative_to(ROOT).as_posix() for file in ROOT.glob("functions/*/main.py")}
    limits = {file.relative_to(ROOT).as_posix() for file in ROOT.glob("functions/*/task.yaml")}
    assert mains | limits <= set(held)
    assert "requirements.txt" in held
    scripts = {file.relative_to(ROOT).as_posix() for file in ROOT.glob("shared/**/*.lua")}
    assert scripts
    assert scripts <= set(held)
    assert not [name for name in held if name.startswith(("emulators", "tests", "pyproject"))]


def test_a_folder_that_is_no_checkout_is_refused_by_name(tmp_path):
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "requirements" / "runtime.txt", tmp_path / "requirements")

    with pytest.raises(FileNotFoundError, match="functions"):
        build(tmp_path / "out", tmp_path)


def test_nothing_half_written_is_left(tmp_path):
    assert [file.suffix for file in build(tmp_path).parent.iterdir()] == [".zip"]
