"""The same stack on Google's Pub/Sub emulator, which sends no push tokens: nothing of the product
depends on ours."""

import pytest

from tests.contract.pubsub.processes import googles, googles_is_there
from tests.e2e.local_stack import eventually, local_stack
from tests.e2e.test_failures import held
from tests.e2e.test_first_task import mail

OVERRIDES = "noop: {max_attempts: 5, retry: {by: pubsub, min_seconds: 0.3, max_seconds: 3}}\n"
MAIL = {"to": "test@example.com", "subject": "Elsewhere", "body": "Hello from CloudTasker!"}


@pytest.fixture
def stack(tmp_path):
    """What `cloudtasker dev` starts beside an emulator that is not ours."""
    if reason := googles_is_there():
        pytest.skip(f"Google's emulator: {reason}")
    (tmp_path / "overrides.yaml").write_text(OVERRIDES)
    with googles(tmp_path / "googles") as emulator:
        environ = {
            "PUBSUB_EMULATOR_HOST": emulator.grpc,
            "CLOUDTASKER_PUSH_AUTH": "none",
            "CLOUDTASKER_TASK_OVERRIDES": str(tmp_path / "overrides.yaml"),
        }
        with local_stack(tmp_path, **environ) as running:
            yield running


def test_the_first_request_and_a_dead_letter_work_on_googles_emulator(stack, monkeypatch):
    assert "pubsub" not in stack.state["pids"]
    failing = stack.enqueue("noop", {"fail_times": 100})

    stack.wait(stack.enqueue("send_email", MAIL), limit=60)
    assert len(mail(stack, "Elsewhere")) == 1

    task = stack.wait(failing, "dead", limit=60)
    assert [attempt["outcome"] for attempt in task["attempts"]] == ["failed"] * 5
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", stack.state["pubsub"])
    letters = []
    eventually(lambda: letters.extend(held(stack, "noop", failing)) or letters, 60, "a dead letter")
    assert letters[0]["CloudPubSubDeadLetterSourceSubscription"] == "tasks-noop-push"
