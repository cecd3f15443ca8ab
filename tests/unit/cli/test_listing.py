"""Tables in windows of any width."""

import io

import pytest
from rich.console import Console

from shared.cli.listing import Listing

ID = "019aae00-0000-7000-8000-000000000000"


def drawn(listing: Listing, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with console.capture() as output:
        console.print(listing)
    return [line.rstrip() for line in output.get().splitlines()]


def tasks(error: str = "TimeoutError: the other side did not answer", **options) -> Listing:
    listing = Listing("ID", "STATE", "AGE", "ERROR", **options)
    listing.add_row(ID, "dead", "2 min", error)
    listing.add_row(ID, "succeeded", "14 s", "")
    return listing


def test_columns_line_up_when_there_is_room():
    assert drawn(tasks(), 120) == [
        f"{'ID':36}  STATE      AGE    ERROR",
        f"{ID}  dead       2 min  TimeoutError: the other side did not answer",
        f"{ID}  succeeded  14 s",
    ]


def test_the_last_column_goes_below_its_row_when_there_is_none():
    assert drawn(tasks(), 80) == [
        f"{'ID':36}  STATE      AGE",
        f"{ID}  dead       2 min",
        "  TimeoutError: the other side did not answer",
        f"{ID}  succeeded  14 s",
    ]


def test_the_last_column_stays_on_the_line_when_it_just_fits():
    exact = max(map(len, drawn(tasks(), 200)))

    assert len(drawn(tasks(), exact)) == 3
    assert len(drawn(tasks(), exact - 1)) == 4


def test_the_last_column_may_be_cut_instead():
    [_, first, _] = drawn(tasks(cut_last=True), 90)

    assert first == f"{ID}  dead       2 min  TimeoutError: the other side did …"


def test_columns_without_room_are_left_out_and_the_error_is_not():
    lines = drawn(tasks(), 48)

    assert lines[1:3] == [f"{ID}  dead", "  TimeoutError: the other side did not answer"]


def test_more_columns_than_the_last_may_go_below_a_row_that_has_something_to_say_there():
    checks = Listing("CHECK", "VERDICT", "FOUND", "FIX", below=2)
    checks.add_row("disk", "ok", "81.9 GB free", "")
    checks.add_row("relay", "fail", "http://127.0.0.1:8105 503", "start it again")

    assert drawn(checks, 30) == [
        "CHECK  VERDICT",
        "disk   ok",
        "relay  fail",
        "  http://127.0.0.1:8105 503",
        "  start it again",
    ]
    assert drawn(checks, 42)[2:] == [
        "relay  fail     http://127.0.0.1:8105 503",
        "  start it again",
    ]


@pytest.mark.parametrize("width", [36, 40, 60, 80, 120, 1000])
def test_an_id_is_never_cut_where_a_line_can_hold_it(width):
    assert sum(line.startswith(ID) for line in drawn(tasks(), width)) == 2


@pytest.mark.parametrize("width", range(36, 130))
def test_no_line_is_longer_than_the_window(width):
    assert max(map(len, drawn(tasks("錯誤" * 40), width))) <= width


def test_wide_characters_count_twice():
    listing = Listing("NAME", "NEXT")
    listing.add_row("日本", "x")
    listing.add_row("abcd", "x")

    assert drawn(listing, 80) == ["NAME  NEXT", "日本  x", "abcd  x"]


def test_brackets_in_a_cell_are_no_markup():
    listing = Listing("ERROR")
    listing.add_row("[bold red]as it is[/]")

    assert drawn(listing, 80) == ["ERROR", "[bold red]as it is[/]"]
