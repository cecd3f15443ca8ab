"""Counting, and the text that Prometheus reads."""

import re

import pytest

from shared.domain.envelope import Message
from shared.metrics import MESSAGES, SECONDS, CountedPublisher, Counter, Histogram, render
from tests.support.memory_api import memory_api

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? [0-9.]+')


def test_a_counter_adds_up_by_its_labels():
    counter = Counter("things_total", "Things.", ("kind",))
    counter.add("a")
    counter.add("b", count=2)
    counter.add("a")

    assert list(counter.lines()) == ['things_total{kind="a"} 2', 'things_total{kind="b"} 2']


def test_a_counter_without_labels_has_one_row():
    counter = Counter("things_total", "Things.")
    counter.add()

    assert list(counter.lines()) == ["things_total 1"]


def test_a_label_cannot_break_the_line():
    counter = Counter("things_total", "Things.", ("kind",))
    counter.add('a"b\\c\nd')

    assert list(counter.lines()) == [r'things_total{kind="a\"b\\c\nd"} 1']


def test_a_counter_needs_each_of_its_labels():
    counter = Counter("things_total", "Things.", ("kind",))
    counter.add("a", "b")

    with pytest.raises(ValueError, match="longer"):
        list(counter.lines())


def test_a_duration_falls_into_its_bucket_and_all_above():
    histogram = Histogram("seconds", "Durations.")
    for seconds in (0.0025, 0.003, 99.0):
        histogram.observe(seconds)

    lines = list(histogram.lines())
    assert lines[0] == 'seconds_bucket{le="0.0025"} 1'
    assert lines[1] == 'seconds_bucket{le="0.005"} 2'
    assert lines[len(SECONDS) - 1] == 'seconds_bucket{le="10.0"} 2'
    assert lines[len(SECONDS)] == 'seconds_bucket{le="+Inf"} 3'
    assert lines[-2:] == ["seconds_sum 99.005500", "seconds_count 3"]


async def test_the_metrics_are_served_as_prometheus_reads_them(http):
    await http.post("/enqueue-task", json={"task_type": "greet", "payload": {"name": "Ada"}})
    answer = await http.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert all(line.startswith("# ") or LINE.fullmatch(line) for line in lines)
    assert len(lines) == len(set(lines))


async def test_accepted_and_replayed_tasks_are_counted_by_type(http):
    def counted(name: str) -> int:
        found = re.search(rf'^{name}{{task_type="greet"}} (\d+)$', render(), re.MULTILINE)
        return int(found[1]) if found else 0

    new, again = "cloudtasker_tasks_enqueued_total", "cloudtasker_tasks_replayed_total"
    before = counted(new), counted(again)
    task = {"task_type": "greet", "payload": {"name": "Ada"}, "idempotency_key": "one"}
    for _ in range(3):
        await http.post("/enqueue-task", json=task)

    assert (counted(new), counted(again)) == (before[0] + 1, before[1] + 2)


async def test_messages_are_counted_by_whether_they_were_confirmed():
    memory = memory_api()
    publisher = CountedPublisher(memory.publisher)
    message = Message(topic="t", data=b"", attributes={"a": "b"}, ordering_key="")
    before = MESSAGES.count("true"), MESSAGES.count("false")

    assert await publisher.publish([message] * 3) == [True] * 3
    memory.publisher.reachable = False
    assert await publisher.publish([message]) == [False]

    assert (MESSAGES.count("true"), MESSAGES.count("false")) == (before[0] + 3, before[1] + 1)
    with pytest.raises(ConnectionError):
        await publisher.ping()
