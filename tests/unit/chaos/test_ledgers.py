"""The comparison finds each way in which the three ledgers can contradict each other."""

from dataclasses import replace

import pytest

from tests.chaos.clients import Told
from tests.chaos.ledgers import Effects, Row, broken_promises

WELL = Row("t1", "k1", "succeeded", 1, "r1", 1)


def compared(*, ids=None, rows=(WELL,), began=(("t1", "r1"),), ended=(("t1", "r1"),)):
    told = Told(ids={"k1": {"t1"}} if ids is None else ids)
    return broken_promises(
        told, {row.task_id: row for row in rows}, Effects(frozenset(began), frozenset(ended))
    )


def test_ledgers_that_agree_break_nothing():
    assert compared() == []


def test_a_second_run_is_no_contradiction():
    assert compared(began=(("t1", "r1"), ("t1", "r2")), ended=(("t1", "r1"), ("t1", "r2"))) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ids": {"k1": {"t1"}, "k2": {"t2"}}}, "t2 was accepted and has no row"),
        ({"ids": {"k1": {"t1", "t2"}}, "rows": (WELL, replace(WELL, task_id="t2", key="k2"))},
         "key k1 was answered with 2 tasks"),
        ({"rows": (WELL, replace(WELL, task_id="t2"))}, "2 rows have the key k1"),
        ({"rows": (replace(WELL, state="queued", accepted=0),)}, "t1 is still queued"),
        ({"rows": (replace(WELL, attempt=6),)}, "t1 is at attempt 6 of 5"),
        ({"rows": (replace(WELL, accepted=2),)}, "t1 is succeeded and has 2 accepted outcomes"),
        ({"rows": (replace(WELL, accepted=0),)}, "t1 is succeeded and has 0 accepted outcomes"),
        ({"ended": ()}, "run r1, which no handler wrote down"),
        ({"began": (("t9", "r9"),)}, "run r9 worked on t9, which has no row"),
    ],
)  # fmt: skip
def test_a_contradiction_is_said(changed, said):
    assert any(said in line for line in compared(**changed))


def test_an_answer_that_nobody_should_see_is_said():
    assert broken_promises(Told(strange=["500 oops"]), {}, Effects(frozenset(), frozenset()))
