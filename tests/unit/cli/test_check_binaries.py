"""`cloudtasker doctor` on the servers of a stack: those that it would choose, and if they run."""

import pytest

from emulators.stack.binaries import found
from shared.cli.check_binaries import NoStack, binaries
from shared.settings import Settings

ELSEWHERE = Settings(database_url="postgresql://x/y", redis_url="redis://x")


def program(folder, name, text):
    file = folder / name
    file.write_text(text)
    file.chmod(0o755)
    return file


def choosing(path):
    return lambda: {"postgres": {"program": str(path)}, "redis": {"program": str(path)}}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("#!/bin/sh\necho server 9.9", "ok"), ("#!/bin/sh\nexit 3", "fail"), ("\x7fELF", "fail")],
)
def test_binaries_are_run_so_that_those_of_another_machine_are_found_out(tmp_path, text, verdict):
    checks = binaries(Settings(), choosing(program(tmp_path, "server", text)))

    assert [one.verdict for one in checks] == [verdict, verdict]
    assert ("server 9.9" in checks[0].found) is (verdict == "ok")


def test_what_the_stack_does_not_find_fails_with_its_fix():
    missing = {"missing": "Nothing there.", "fix": "install it"}
    checks = binaries(Settings(), lambda: {"postgres": missing, "redis": missing})

    assert [(one.verdict, one.found, one.fix) for one in checks] == [
        ("fail", "Nothing there.", "install it")
    ] * 2


def test_servers_by_url_need_none_and_nobody_is_asked():
    def never():
        raise AssertionError("the stack was asked")

    assert [one.verdict for one in binaries(ELSEWHERE, never)] == ["ok", "ok"]


def test_without_the_local_stack_one_line_says_how_to_get_it():
    def absent():
        raise NoStack("no module emulators")

    [check] = binaries(Settings(), absent)
    assert (check.verdict, "cloudtasker[local]" in check.fix) == ("fail", True)


def test_those_of_this_machine_run():
    assert [one.verdict for one in binaries(Settings())] == ["ok", "ok"]


def test_the_folder_that_the_stack_is_told_of_is_the_one_that_is_looked_at(tmp_path, monkeypatch):
    """A broken Postgres there breaks the stack, however good the one of the package is."""
    for name in ("initdb", "postgres"):
        program(tmp_path, name, "#!/bin/sh\nexit 3")
    monkeypatch.setenv("CLOUDTASKER_PG_BIN", str(tmp_path))

    postgres, redis = binaries(Settings())
    assert (postgres.verdict, redis.verdict) == ("fail", "ok")
    assert str(tmp_path) in postgres.found


def test_a_folder_without_servers_is_told_with_the_stack_s_own_fix(tmp_path):
    said = found({"CLOUDTASKER_PG_BIN": str(tmp_path), "PATH": ""})["postgres"]

    assert "PostgreSQL was not found" in said["missing"]
    assert "CLOUDTASKER_DATABASE_URL" in said["fix"]
