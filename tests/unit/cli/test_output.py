"""Where output goes and when it has colour."""

import os
import pty
import sys
from collections.abc import Callable

import pytest
from rich.text import Text

from shared.cli.output import Output

RED = Text("dead", style="red")


def on_a_terminal(monkeypatch, print_it: Callable[[], None], **environ: str) -> str:
    """What a terminal gets to see."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environ}.items():
        monkeypatch.setenv(name, value)
    screen, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        print_it()
        stdout.flush()
        seen = os.read(screen, 4096).decode()
    os.close(screen)
    return seen


def test_a_terminal_gets_colour(monkeypatch):
    assert "\x1b[31m" in on_a_terminal(monkeypatch, lambda: Output().draw(RED))


def test_no_color_means_none(monkeypatch):
    assert "\x1b[31m" not in on_a_terminal(monkeypatch, lambda: Output(no_color=True).draw(RED))
    assert "\x1b[31m" not in on_a_terminal(monkeypatch, lambda: Output().draw(RED), NO_COLOR="1")


def test_a_pipe_gets_no_colour_and_no_blanks_at_the_end(capsys, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    Output().draw(RED, "next   ")

    assert capsys.readouterr().out == "dead\nnext\n"


def test_a_pipe_gets_lines_that_are_not_wrapped(capsys):
    Output().draw("word " * 100)

    assert len(capsys.readouterr().out.splitlines()) == 1


def test_json_is_indented_for_people_only(capsys, monkeypatch):
    Output("json").document({"a": "ü"})

    assert capsys.readouterr().out == '{"a": "ü"}\n'
    seen = on_a_terminal(monkeypatch, lambda: Output("json").document({"a": 1}))
    assert seen.splitlines() == ["{", '  "a": 1', "}"]


@pytest.mark.parametrize(("quiet", "said"), [(False, "hello\n"), (True, "")])
def test_notes_go_to_stderr_unless_quiet(capsys, quiet, said):
    Output(quiet=quiet).note("hello")

    assert capsys.readouterr() == ("", said)
