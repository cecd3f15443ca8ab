"""`make deploy-local`: the production Terraform on this machine, used as its user does."""

from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.e2e.deployed import Deployed, run_task


@pytest.fixture
def deployed(tmp_path) -> Iterator[Deployed]:
    deployment = Deployed(tmp_path)
    yield deployment
    if deployment.folder.exists():
        deployment.run("destroy")


@pytest.mark.timeout(300)
def test_deploy_local(deployed):
    first = deployed.package()
    said = deployed.run("apply")
    assert deployed.output("api_url") in said
    processes = deployed.processes()

    with deployed.api(deployed.key()) as api:
        mail = {"to": "test@example.com", "subject": "Welcome!", "body": "Hello"}
        assert run_task(api, "send_email", mail)["attempt"] == 1
        assert "test@example.com" in httpx.get(f"{deployed.state()['mail']}/messages").text

        # As in production: who brings no key is told so, and nobody gets past the gateway.
        assert api.get("/tasks", headers={"X-API-Key": ""}).status_code == 401
        assert httpx.get(f"{deployed.output('enqueue_url')}/tasks").status_code == 403

        assert deployed.changes() == []

        limits = deployed.root / "functions" / "noop" / "task.yaml"
        limits.write_text(limits.read_text() + "max_attempts: 7\n")
        subscription = (
            'module.cloudtasker.module.messaging.google_pubsub_subscription.tasks_push["noop"]'
        )
        assert deployed.changes("--archive", first) == [f"~ {subscription}"]

        deployed.package()
        deployed.run("apply")
        assert _most_attempts(deployed, "tasks-noop-push") == 7
        assert run_task(api, "noop", {})["attempt"] == 1

    processes += deployed.processes()
    deployed.run("destroy")

    assert not deployed.folder.exists()
    assert not [
        one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    ]


def _most_attempts(deployed: Deployed, name: str) -> int:
    place = f"projects/example-dev/subscriptions/{name}"
    found = httpx.get(f"{deployed.state()['pubsub_http']}/v1/{place}").json()
    most: int = found["deadLetterPolicy"]["maxDeliveryAttempts"]
    return most
