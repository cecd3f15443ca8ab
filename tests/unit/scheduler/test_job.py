from datetime import UTC, datetime

import pytest

from emulators.scheduler.__main__ import read_config
from emulators.scheduler.job import Job, Retry

MINIMAL = {"name": "relay", "schedule": "* * * * *", "uri": "http://127.0.0.1:8101/"}
WHEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def test_a_call_carries_cloud_schedulers_headers_and_its_token():
    assert Job.from_config(MINIMAL).headers_at(WHEN, "abc") == {
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": "relay",
        "X-CloudScheduler-ScheduleTime": "2026-11-24T10:00:00Z",
        "Authorization": "Bearer abc",
    }


def test_a_body_is_of_no_known_type_unless_the_job_says_which():
    plain = Job.from_config(MINIMAL | {"body": "{}"})
    typed = Job.from_config(MINIMAL | {"body": "{}", "headers": {"Content-Type": "text/plain"}})

    assert plain.headers_at(WHEN, "")["Content-Type"] == "application/octet-stream"
    assert typed.headers_at(WHEN, "")["Content-Type"] == "text/plain"


def test_without_oidc_there_is_no_token():
    assert Job.from_config(MINIMAL | {"oidc": None}).oidc is None


def test_pauses_double_up_to_the_largest():
    retry = Retry(count=5, min_backoff_seconds=1, max_backoff_seconds=5)

    assert [retry.pause(attempt) for attempt in (1, 2, 3, 4)] == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (MINIMAL | {"colour": "red"}, "unknown field 'colour'"),
        ({"name": "relay", "uri": "x"}, "lacks 'schedule'"),
        (MINIMAL | {"oidc": {"audience": "x"}}, "service_account_email"),
        (MINIMAL | {"retry": {"times": 3}}, "times"),
        (MINIMAL | {"schedule": "0 3 * * *"}, "not supported"),
    ],
)
def test_an_unusable_job_is_refused_with_the_reason(config, why):
    with pytest.raises(ValueError, match=why):
        Job.from_config(config)


@pytest.mark.parametrize("content", ["[]", "{}", "no json"])
def test_an_unusable_file_is_refused(tmp_path, content):
    path = tmp_path / "scheduler.json"
    path.write_text(content)

    with pytest.raises(ValueError, match=r".+"):
        read_config(path)
