"""A wrong value for one task type: it is told, and nobody else has to do with it."""

import json

import httpx
import pytest

from tests.e2e.local_stack import LocalStack, eventually, local_stack

WRONG = "noop: {max_concurrent: -1}"
PROBLEM = "functions/noop/task.yaml: max_concurrent: Input should be greater than or equal to 1"


def attempts(stack) -> int:
    """How many a task of `noop` may have, as the API says; 0 while it does not: it may end as we
    ask, since it is being reloaded."""
    try:
        answer = httpx.get(f"{stack.state['rest']}/task-types", timeout=30)
    except httpx.TransportError:
        return 0
    types = answer.json()["task_types"] if answer.is_success else []
    return sum(one["limits"]["max_attempts"] for one in types if one["name"] == "noop")


def test_what_runs_goes_on_as_it_was_until_the_value_is_right(tmp_path):
    overrides = tmp_path / "overrides.yaml"
    overrides.write_text("noop: {max_attempts: 6}")
    with local_stack(tmp_path, CLOUDTASKER_TASK_OVERRIDES=str(overrides)) as stack:
        before = stack.pid_of("enqueue")

        overrides.write_text(WRONG)
        told = json.dumps(PROBLEM)[1:-1]
        eventually(lambda: told in stack.log_file.read_text(), 30, "it is told")
        stack.wait(stack.enqueue("noop", {}))
        assert (stack.pid_of("enqueue"), attempts(stack)) == (before, 6)

        overrides.write_text("noop: {max_attempts: 7}")
        eventually(lambda: attempts(stack) == 7, 30, "the right value is in use")


def test_a_start_is_refused_with_what_to_correct(tmp_path):
    overrides = tmp_path / "overrides.yaml"
    overrides.write_text(WRONG)
    stack = LocalStack(tmp_path, environ={"CLOUDTASKER_TASK_OVERRIDES": str(overrides)})

    with pytest.raises(AssertionError, match="the stack ended"):
        stack.start()

    said = stack.log_file.read_text()
    assert "CT110" in said
    assert PROBLEM in said
    assert "Traceback" not in said
