"""Which errors are alike."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.desk import DeadTask, group_id_of, groups_of, normalised

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def dead(message: str, *, kind="Wrong", task_type="greet", age=0) -> DeadTask:
    error = {"kind": kind, "message": message}
    return DeadTask(uuid4(), task_type, 0, error, NOW - timedelta(seconds=age))


@pytest.mark.parametrize(
    ("message", "same"),
    [
        ("order 17 failed", "order <n> failed"),
        ("took 1.5 s, limit 1,000 ms", "took <n> s, limit <n> ms"),
        ("no user 'ana'", "no user <text>"),
        ('no user "ana"', "no user <text>"),
        ("don't and can't", "don't and can't"),
        ("no task 0192f2c4-0000-4000-8000-00000000000a", "no task <id>"),
        ("at 0x7f3a2b1c", "at <hex>"),
        ("commit 9f86d081884c7d65 is bad", "commit <hex> is bad"),
        ("customer cus_9s6XKzkNRiz8i3 is gone", "customer <id> is gone"),
        ("10.0.0.1:5432 refused", "<n> refused"),
        ("at 2026-11-24 12:00:00", "at <n> <n>"),
        ("line one\n  line two", "line one line two"),
        ("deadbeef without digits facade", "deadbeef without digits facade"),
        ("TimeoutError", "TimeoutError"),
    ],
)
def test_what_varies_is_replaced(message, same):
    assert normalised(message) == same


@given(st.text(max_size=3000))
def test_whatever_the_message_its_form_is_short_and_stays_the_same(message):
    once = normalised(message)

    assert len(once) <= 300
    assert group_id_of(dead(message)) == group_id_of(dead(message))


def test_three_messages_with_ids_are_one_group_with_exact_counts_and_times():
    tasks = [dead(f"order {n} failed", age=n) for n in range(3)] + [dead("another")]

    first, second = groups_of(tasks)

    assert (first.count, second.count) == (3, 1)
    assert (first.first_seen_at, first.last_seen_at) == (NOW - timedelta(seconds=2), NOW)
    assert first.newest_task_id == tasks[0].id
    assert {group_id_of(task) for task in tasks[:3]} == {first.id}


def test_another_type_or_kind_of_error_is_another_group():
    tasks = [dead("x"), dead("x", kind="Other"), dead("x", task_type="other")]

    assert len(groups_of(tasks)) == 3


def test_a_task_without_an_error_is_in_a_group_too():
    [group] = groups_of([DeadTask(uuid4(), "greet", 0, None, NOW)])

    assert (group.kind, group.message, group.count) == ("", "", 1)
