"""The query of `GET /tasks`: read strictly, every problem at once."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.enqueue.listing import Listing, read_listing
from shared.domain.errors import InvalidRequest
from shared.domain.ports import TaskFilter
from shared.domain.task import State


def test_nothing_asked_is_the_first_page_of_everything():
    assert read_listing(b"") == Listing(TaskFilter())


def test_every_parameter_is_read():
    listing = read_listing(
        b"task_type=greet&state=dead&label=team:red&label=a.b:x%3Ay&label=empty:"
        b"&created_after=2026-11-24T12:00:00Z&created_before=2026-11-24T14:30:00.5%2B01:00"
        b"&page_size=500&page_token=abc"
    )

    assert listing.wanted == TaskFilter(
        task_type="greet",
        state=State.DEAD,
        labels={"team": "red", "a.b": "x:y", "empty": ""},
        created_after=datetime(2026, 11, 24, 12, tzinfo=UTC),
        created_before=datetime(2026, 11, 24, 13, 30, 0, 500_000, tzinfo=UTC),
    )
    assert (listing.page_size, listing.page_token) == (500, "abc")


def test_an_empty_page_token_asks_for_the_first_page():
    assert read_listing(b"page_token=").page_token == ""


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"sort=asc", "sort"),
        (b"State=dead", "State"),
        (b"state=DEAD", "state"),
        (b"state=", "state"),
        (b"state=dead&state=dead", "state"),
        (b"task_type=", "task_type"),
        (b"task_type=a", "task_type"),
        (b"task_type=greet%00", "task_type"),
        (b"task_type=greet%0A", "task_type"),
        (b"label=team", "label"),
        (b"label=", "label"),
        (b"label=:red", "label"),
        (b"label=Team:red", "label"),
        (b"label=team:%00", "label"),
        (b"label=team:" + b"x" * 256, "label"),
        (b"label=team:red&label=team:blue", "label"),
        (b"page_size=0", "page_size"),
        (b"page_size=501", "page_size"),
        (b"page_size=-1", "page_size"),
        (b"page_size=1.0", "page_size"),
        (b"page_size=%D9%A3", "page_size"),
        (b"page_size=" + b"9" * 5000, "page_size"),
        (b"created_after=yesterday", "created_after"),
        (b"created_after=2026-11-24", "created_after"),
        (b"created_after=2026-11-24T12:00:00", "created_after"),
        (b"created_after=2026-11-24T12:00:00+01:00", "created_after"),
        (b"created_after=2026-13-24T12:00:00Z", "created_after"),
        (b"created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        (b"created_before=9999-12-31T23:59:59-14:00", "created_before"),
        (b"created_before=2026-11-24T24:61:00Z", "created_before"),
        (b"created_before=2026-11-24T12:00:00%2B99:99", "created_before"),
        (b"label=%ff", ""),
        (b"label=\xff", ""),
        (b"&".join([b"label=a:1"] * 65), ""),
    ],
)
def test_a_parameter_that_cannot_be_is_named(query, field):
    with pytest.raises(InvalidRequest) as refused:
        read_listing(query)

    assert [problem.field for problem in refused.value.fields] == [field]


def test_all_problems_of_a_query_are_named_at_once():
    with pytest.raises(InvalidRequest) as refused:
        read_listing(b"state=gone&page_size=0&order=asc&label=x")

    assert {p.field for p in refused.value.fields} == {"state", "page_size", "order", "label"}


def problems_of(query: bytes):
    """The problems of `query`, or None when it was read."""
    try:
        read_listing(query)
    except InvalidRequest as refused:
        return refused.fields
    return None


@given(st.binary())
def test_any_query_is_read_or_refused_with_a_reason(query):
    assert problems_of(query) != ()


NAMES = st.sampled_from(["state", "label", "created_after", "page_size", "task_type"])


@given(NAMES, st.text(max_size=40))
def test_any_value_is_read_or_refused_with_a_reason(name, text):
    value = quote(text, errors="surrogatepass")

    assert problems_of(f"{name}={value}".encode()) != ()


def test_a_time_is_turned_into_utc():
    after = read_listing(b"created_after=2026-11-24t01:00:00%2B02:00").wanted.created_after

    assert after == datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert after.tzinfo is UTC
