"""Edits of the checkout reach the running stack; how soon, tests/e2e measures."""

import shutil
from collections.abc import Iterator

import grpc
import pytest

from emulators.pubsub import protos
from tests.integration.stack.conftest import Run, eventually, get, made_checkout, write_function


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """One run whose checkout is edited; each test has a function or task type of its own in it."""
    with made_checkout() as root:
        for name in ("broken", "limited", "mistaken"):
            write_function(root, name)
        for name in ("limited", "mistaken"):
            (root / "functions" / name / "task.yaml").write_text("retry: {min_seconds: 1}\n")
        (root / "shared").mkdir()
        (root / "shared" / "settings.py").write_text("LIMIT = 1\n")
        run = Run(root)
        try:
            yield run.ready()
        finally:
            run.end()


def subscription(run, name: str) -> protos.Subscription:
    path = f"projects/cloudtasker-local/subscriptions/{name}"
    with grpc.insecure_channel(run.state["pubsub"]) as channel:
        call = channel.unary_unary(
            "/google.pubsub.v1.Subscriber/GetSubscription",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=protos.Subscription.FromString,
        )
        try:
            return call(protos.GetSubscriptionRequest(subscription=path), timeout=30)
        except grpc.RpcError as error:
            raise OSError from error


def test_an_edited_function_answers_with_its_new_code_and_the_others_stay(run):
    url, other = run.state["functions"]["noop"], run.state["functions"]["relay"]
    untouched = get(other)["pid"]

    write_function(run.root, "noop", version=2)

    eventually(lambda: get(url)["version"] == 2)
    assert get(other)["pid"] == untouched


def test_a_function_that_cannot_be_loaded_is_explained_and_loads_when_corrected(start, checkout):
    (checkout / "functions" / "noop" / "main.py").write_text("\nimport no_such_package\n")

    run = start().ready()

    text = run.text()
    assert "CT201 functions/noop/main.py line 2 could not be loaded" in text
    assert "Fix: pip install no_such_package, then save the file (it reloads)." in text
    assert "Traceback" not in text
    assert get(run.state["rest"])["function"] == "enqueue"
    write_function(checkout, "noop", version=2)
    assert get(run.state["functions"]["noop"])["version"] == 2


def test_a_broken_edit_is_told_and_its_callers_wait_for_the_correction(run):
    (run.root / "functions" / "broken" / "main.py").write_text("def broken(:\n")
    eventually(lambda: "CT201 functions/broken/main.py line 1" in run.text())
    write_function(run.root, "broken", version=3)

    assert get(run.state["functions"]["broken"])["version"] == 3


def test_an_edit_of_shared_code_restarts_every_function(run):
    before = {name: get(url)["pid"] for name, url in run.state["functions"].items()}

    (run.root / "shared" / "settings.py").write_text("LIMIT = 2\n")

    def all_new() -> bool:
        now = {name: get(url)["pid"] for name, url in run.state["functions"].items()}
        return not set(before.values()) & set(now.values())

    eventually(all_new)


def test_an_edited_limit_reaches_the_subscription(run):
    assert subscription(run, "tasks-limited-push").ack_deadline_seconds == 90

    (run.root / "functions" / "limited" / "task.yaml").write_text("ack_deadline_seconds: 45\n")

    eventually(lambda: subscription(run, "tasks-limited-push").ack_deadline_seconds == 45)


def test_a_mistake_in_a_task_yaml_is_told_and_the_run_goes_on(run):
    limits = run.root / "functions" / "mistaken" / "task.yaml"
    limits.write_text("- a list\n")

    eventually(lambda: "CT110" in run.text())
    assert get(run.state["functions"]["mistaken"])["function"] == "mistaken"
    limits.write_text("ack_deadline_seconds: 45\n")
    eventually(lambda: subscription(run, "tasks-mistaken-push").ack_deadline_seconds == 45)


def test_a_new_task_type_appears_without_a_restart_and_one_that_is_deleted_goes(run):
    folder = run.root / "functions" / "resize_image"

    write_function(run.root, "resize_image")
    (folder / "task.yaml").write_text("max_attempts: 7\n")

    url = eventually(lambda: run.state["functions"]["resize_image"])
    assert get(url)["function"] == "resize_image"
    push = eventually(lambda: subscription(run, "tasks-resize-image-push"))
    assert push.push_config.push_endpoint == url
    assert push.push_config.oidc_token.audience == url
    assert push.dead_letter_policy.max_delivery_attempts == 7
    assert subscription(run, "tasks-resize-image-dead-hold").push_config.push_endpoint == ""

    shutil.rmtree(folder)
    eventually(lambda: "resize_image" not in run.state["functions"])


def test_a_new_function_that_is_never_ready_holds_up_no_other_edit(run):
    write_function(run.root, "stuck")
    (run.root / "functions" / "stuck" / "main.py").write_text("import time\ntime.sleep(300)\n")
    eventually(lambda: run.state["functions"]["stuck"])

    write_function(run.root, "relay", version=4)

    eventually(lambda: get(run.state["functions"]["relay"])["version"] == 4, 30)
    shutil.rmtree(run.root / "functions" / "stuck")
    eventually(lambda: "stuck" not in run.state["functions"])


def test_overrides_shorten_limits(start, checkout):
    overrides = checkout / "short.yaml"
    overrides.write_text("noop: {retry: {min_seconds: 0, max_seconds: 0}, max_attempts: 6}\n")

    run = start(environment={"CLOUDTASKER_TASK_OVERRIDES": str(overrides)}).ready()

    push = subscription(run, "tasks-noop-push")
    assert push.retry_policy.minimum_backoff.ToSeconds() == 0
    assert push.dead_letter_policy.max_delivery_attempts == 6


def test_a_task_type_whose_folder_arrives_whole_appears_too(run):
    """Moved, checked out, or written faster than a new folder can be watched: no file of it is
    announced, only the folder."""
    write_function(run.root / "elsewhere", "crop_image")
    prepared = run.root / "elsewhere" / "functions" / "crop_image"
    (prepared / "task.yaml").write_text("max_attempts: 7\n")

    prepared.rename(run.root / "functions" / "crop_image")

    url = eventually(lambda: run.state["functions"]["crop_image"])
    assert get(url)["function"] == "crop_image"
    push = eventually(lambda: subscription(run, "tasks-crop-image-push"))
    assert push.dead_letter_policy.max_delivery_attempts == 7
