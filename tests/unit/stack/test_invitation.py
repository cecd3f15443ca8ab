"""What `make run` says to type next."""

from pathlib import Path

from emulators.stack.__main__ import command


def test_the_command_is_told_as_the_shell_finds_it(tmp_path):
    program = tmp_path / "cloudtasker"
    program.touch(mode=0o755)

    assert command({"PATH": str(tmp_path)}) == "cloudtasker"
    python = str(Path.cwd() / ".venv" / "bin" / "python")
    assert command({"PATH": "/nowhere"}, python) == ".venv/bin/cloudtasker"
