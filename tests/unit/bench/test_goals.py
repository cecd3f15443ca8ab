"""The judgement over what was measured, and the report's texts."""

import json
from pathlib import Path

import pytest

from tests import bench
from tests.bench.queue.goals import OURS, ROWS, Row
from tests.bench.queue.peers import Peer
from tests.bench.queue.processes import most_at_once
from tests.bench.queue.report import cells, plot, table, write
from tests.bench.queue.run import Results, _prepared

MORE = Row("k", "tasks", "/s", ratios={"Celery": 3}, bound=1000)
LESS = Row("k", "wait", "ms", higher=False, scale=1000, bound=5)


@pytest.mark.parametrize(
    ("ours", "theirs", "missed"),
    [
        ([3000.0], [1000.0], []),
        ([2990.0], [1000.0], ["2.99 × Celery"]),
        ([999.0], [100.0], ["999 /s"]),
    ],
)
def test_each_part_of_a_goal_is_judged(ours, theirs, missed):
    assert MORE.missed({OURS: ours, "Celery": theirs}) == missed


def test_less_is_better_where_the_row_says_so():
    assert LESS.missed({OURS: [0.005]}) == []
    assert LESS.missed({OURS: [0.0051]}) == ["5.1 ms"]


def test_a_ratio_is_the_median_of_the_rounds_not_of_the_medians():
    samples = {OURS: [100.0, 900.0, 400.0], "Celery": [100.0, 300.0, 100.0]}
    assert MORE.ratio(samples, "Celery") == 3


def test_what_was_not_measured_is_not_judged():
    assert not Row("k", "w", "/s", ratios={"Celery": 3}).judged({OURS: [1.0]})
    assert MORE.judged({OURS: [1.0]})


def results() -> Results:
    made = Results(2)
    for value, theirs in ((3600.0, 1100.0), (3400.0, 1150.0)):
        made.add("end", value)
        made.add("end", theirs, "Celery")
    made.floors["commit"] = [5000.0]
    return made


def test_the_table_shows_only_rows_that_were_measured():
    assert table(results()).row_count == 2
    assert cells(ROWS[0], results())[1:3] == ("3,500 /s", "Celery 1,125 /s (3.11 ×)")


def test_the_files_hold_the_table_the_samples_and_a_plot(tmp_path):
    write(results(), tmp_path)
    assert "| durable end to end" in (tmp_path / "bench.md").read_text()
    assert json.loads((tmp_path / "bench.json").read_text())["samples"]["end"]["ours"]
    assert (tmp_path / "bench.svg").read_text() == plot(results())


def test_every_row_is_explained():
    explained = (Path(bench.__file__).parent / "README.md").read_text()
    assert [row.what for row in ROWS if f"| {row.what} |" not in explained] == []


def test_every_row_has_a_key_of_its_own():
    assert len({row.key for row in ROWS}) == len(ROWS)


def test_a_peer_that_cannot_be_installed_is_left_out_and_the_report_says_so(tmp_path):
    class Missing(Peer):
        def python(self) -> Path:
            raise RuntimeError("Rare could not be installed from rare==1; no index answers:\npip")

    measured = results()
    absent = Missing("Rare", ("rare==1",), "rare_app", ())

    assert _prepared([absent], tmp_path, None, None, measured, lambda _: None) == []

    said = "Rare is left out: could not be installed from rare==1; no index answers"
    write(measured, tmp_path / "out")
    assert said in (tmp_path / "out" / "bench.md").read_text()
    assert json.loads((tmp_path / "out" / "bench.json").read_text())["notes"] == [said]


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(1.0, 2.0), (2.0, 3.0)], 1),
        ([(1.0, 2.5), (2.0, 3.0), (2.4, 2.6)], 3),
    ],
)
def test_tasks_asleep_at_once_are_those_that_share_a_moment(spans, most):
    assert most_at_once(spans) == most
