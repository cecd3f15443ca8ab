import pytest

from emulators.stack import postgres, valkey
from emulators.stack.errors import StackError, first_stack_error
from emulators.stack.processes import reason


def test_the_last_line_is_the_fix():
    error = StackError("CT999", "It broke.", "Because.", "Nothing was changed.", fix="mend it.")

    assert str(error).splitlines() == [
        "CT999 It broke.",
        "Because.",
        "Nothing was changed.",
        "Fix: mend it.",
    ]


def test_the_error_is_found_inside_the_groups_of_parallel_starts():
    error = StackError("CT999", "It broke.", fix="mend it.")
    group = BaseExceptionGroup("a", [OSError(), BaseExceptionGroup("b", [error])])

    assert first_stack_error(group) is error
    assert first_stack_error(BaseExceptionGroup("a", [OSError()])) is None


def test_missing_postgres_names_the_places_and_both_ways_out(tmp_path):
    with pytest.raises(StackError, match="CT101 PostgreSQL was not found") as caught:
        postgres.find_binaries({"CLOUDTASKER_PG_BIN": str(tmp_path)})

    assert "apt install postgresql" in caught.value.fix
    assert "CLOUDTASKER_DATABASE_URL" in caught.value.fix


def test_postgres_comes_from_where_the_user_says_first(tmp_path):
    for name in ("initdb", "postgres"):
        (tmp_path / name).touch()

    assert postgres.find_binaries({"CLOUDTASKER_PG_BIN": str(tmp_path)}) == tmp_path


def test_the_installed_servers_are_found():
    assert (postgres.find_binaries({}) / "postgres").exists()
    assert valkey.find_binary({}).exists()


@pytest.mark.parametrize(("code", "text"), [(-9, "signal SIGKILL"), (1, "exit code 1")])
def test_exit_codes_are_told_in_words(code, text):
    assert reason(code) == text
