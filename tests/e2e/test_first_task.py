"""The README's request, three ways: a real function sends a real mail into the sink."""

import json
import subprocess

import grpc
import httpx
import pytest

from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.cloudtasker.v1 import task_service_pb2_grpc as pb_grpc
from tests.e2e.local_stack import eventually

DONE_SECONDS = 3 * 2  # a person sees it within 2 s; machines in tests are shared


def body(subject: str) -> str:
    payload = {"to": "test@example.com", "subject": subject, "body": "Hello from CloudTasker!"}
    return json.dumps({"task_type": "send_email", "payload": payload})


def mail(stack, subject: str) -> list[dict]:
    inbox = httpx.get(f"{stack.state['mail']}/messages", timeout=30).json()
    messages = inbox["messages"] if isinstance(inbox, dict) else inbox
    return [message for message in messages if message["subject"] == subject]


@pytest.mark.alone
def test_a_request_by_curl_becomes_a_mail(stack):
    url = f"{stack.state['rest']}/enqueue-task"
    said = subprocess.run(
        ["curl", "-si", url, "-H", "Content-Type: application/json", "-d", body("By curl")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    head, _, answer = said.replace("\r\n", "\n").partition("\n\n")
    accepted = json.loads(answer)
    assert head.startswith("HTTP/1.1 202")
    assert f"location: /tasks/{accepted['task_id']}" in head.lower()
    assert set(accepted) == {"task_id", "task_type", "state", "created_at"}
    task = stack.wait(accepted["task_id"], limit=DONE_SECONDS)
    assert [attempt["outcome"] for attempt in task["attempts"]] == ["succeeded"]
    assert len(mail(stack, "By curl")) == 1


def test_a_request_by_grpc_becomes_a_mail(stack):
    payload = json.loads(body("By gRPC"))["payload"]
    with grpc.insecure_channel(stack.state["grpc"]) as channel:
        client = pb_grpc.TaskServiceStub(channel)
        request = pb.EnqueueTaskRequest(task_type="send_email", payload_json=json.dumps(payload))
        task_id = client.EnqueueTask(request, timeout=30).task_id
    stack.wait(task_id)
    assert len(mail(stack, "By gRPC")) == 1


def test_a_request_by_the_command_line_becomes_a_mail(stack):
    payload = json.dumps(json.loads(body("By command"))["payload"])
    done = stack.cli("tasks", "enqueue", "send_email", "--json", payload, "--wait", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "succeeded"
    assert len(mail(stack, "By command")) == 1
    assert "By command" in stack.cli("mail").stdout


def test_an_enqueue_and_its_run_share_a_trace(stack):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = httpx.post(
        f"{stack.state['rest']}/enqueue-task",
        content=body("Traced"),
        headers={
            "Content-Type": "application/json",
            "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
        },
        timeout=30,
    )
    task_id = answer.json()["task_id"]
    stack.wait(task_id)

    def traced() -> bool:
        lines = stack.logs(task_id=task_id)
        events = {line.get("event") for line in lines if trace in json.dumps(line)}
        return {"task_enqueued", "task_succeeded"} <= events

    eventually(traced, 60, "both log lines carry the caller's trace")


def test_no_log_line_carries_a_payload(stack):
    secret = "canary-7261"
    stack.wait(stack.enqueue("noop", {"result": {"password": secret}}))
    assert secret not in stack.log_file.read_text()


def test_a_thumbnail_of_the_sample_stands_in_the_blob_store(stack):
    asked = stack.cli("tasks", "enqueue", "make_thumbnail", "--sample", "-q")
    task = stack.wait(asked.stdout.strip())

    result = task["result"]
    assert (result["width"], result["height"]) == (8, 6)
    assert result["blob"] == f"results/{task['task_id']}.jpeg"


def test_everything_reports_itself_ready(stack):
    for url in [stack.state["rest"], *stack.state["functions"].values()]:
        assert httpx.get(f"{url}/ready", timeout=30).status_code == 200
    status = stack.cli("status")
    assert status.returncode == 0, status.stdout + status.stderr


def test_the_state_file_has_its_documented_form(stack):
    wanted = {"rest", "grpc", "pubsub", "mail", "postgres", "redis", "functions", "pids"}
    assert wanted <= set(stack.state)
    types = {"send_email", "deliver_webhook", "make_thumbnail", "noop"}
    functions = {"enqueue", "relay", "dead_letter", *types}
    assert functions <= set(stack.state["functions"])


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/metrics", "/task-types"])
def test_the_api_describes_itself(stack, path):
    assert httpx.get(f"{stack.state['rest']}{path}", timeout=30).status_code == 200
