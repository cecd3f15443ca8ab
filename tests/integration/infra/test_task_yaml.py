"""A wrong task.yaml is refused by Python and by Terraform, with the same words."""

import shutil
from pathlib import Path

import pytest
import yaml

from emulators.terraform.errors import TerraformError
from emulators.terraform.terraform import Terraform
from shared.adapters.catalogue import load_catalogue
from shared.domain.errors import Misconfigured
from shared.domain.payload import Payload
from shared.domain.task_type import TAKEN_NAMES, Limits, TaskType
from tests.integration.infra.conftest import ROOT
from tests.integration.infra.resources import resources

WRONG = {
    "too_low": "max_attempts: 4",
    "too_high": "time_limit_seconds: 86401",
    "too_long_for_a_push": "time_limit_seconds: 571",
    "long_by_pubsub": "mode: long\nretry: {by: pubsub}",
    "no_class": "non_retryable: [ValueError, not a class]",
    "no_list": "non_retryable: ValueError",
    "deadline_out_of_range": "ack_deadline_seconds: 601",
    "deadline_under_the_limit": "time_limit_seconds: 60\nack_deadline_seconds: 60",
    "unknown_field": "max_atempts: 6",
    "unknown_retry_field": "retry: {bye: pubsub}",
    "back_off_too_long": "retry: {max_seconds: 601}",
    "back_offs_crossed": "retry: {min_seconds: 20, max_seconds: 10}",
    "unknown_retry": "retry: {by: nobody}",
    "unknown_mode": "mode: endless",
    "little_memory": "memory_mb: 64",
    "much_memory": "memory_mb: 32769",
    "no_cpu": "cpu: 0.01",
    "cpu_too_small_for_concurrency": "cpu: 0.5\nconcurrency: 2",
    "three_cpus": "cpu: 3\nmemory_mb: 4096",
    "one_cpu_and_a_half": "cpu: 1.5",
    "memory_over_a_small_cpu": "cpu: 0.3\nconcurrency: 1\nmemory_mb: 513",
    "memory_over_half_a_cpu": "cpu: 0.5\nconcurrency: 1\nmemory_mb: 1025",
    "memory_over_one_cpu": "memory_mb: 4097",
    "memory_under_four_cpus": "cpu: 4\nmemory_mb: 2047",
    "memory_under_eight_cpus": "cpu: 8\nmemory_mb: 4095",
    "long_with_half_a_cpu": "mode: long\ncpu: 0.5\nconcurrency: 1",
    "long_with_little_memory": "mode: long\nmemory_mb: 511",
    "many_instances": "max_instances: 1001",
    "no_concurrency": "concurrency: 0",
    "half_an_attempt": "max_attempts: 5.5",
    "a_word_for_a_number": "max_attempts: many",
    "ordering_by_word": "ordering: maybe",
    "schedule_without_a_cron": "schedules: [{name: a}]",
    "schedule_without_a_name": "schedules: [{cron: '* * * * *'}]",
    "schedule_with_a_wrong_name": "schedules: [{name: A b, cron: '* * * * *'}]",
    "schedule_with_an_unknown_field": "schedules: [{name: a, cron: '* * * * *', tz: UTC}]",
    "schedule_with_an_unknown_policy": "schedules: [{name: a, cron: '* * * * *', missed: all}]",
    "none_at_once": "max_concurrent: 0",
    "half_a_slot": "max_concurrent: 1.5",
    "too_many_of_a_key": "max_concurrent_per_key: 10001",
    "a_rate_of_nothing": "rate_per_second: 0",
    "a_rate_by_word": "rate_per_second: often",
    "a_list_for_a_mapping": "- max_attempts",
    "a_word_for_a_mapping": "max_attempts",
    "a_number_for_a_text": "description: 5",
    "a_label_of_a_number": "labels: {team: 1}",
    "labels_in_a_list": "labels: [team]",
    "no_number": "max_attempts: null\ncpu: null",
    "no_mode_and_no_order": "mode: null\nordering: null",
    "no_text_and_no_lists": "description: null\nlabels: null\nschedules: null\nnon_retryable: null",
    "a_number_for_a_retry": "retry: 5",
    "no_retry": "retry: null",
    "nothing_in_a_retry": "retry: {by: null, min_seconds: null}",
    "a_number_for_schedules": "schedules: 5",
    "two_at_once": "max_attempts: 101\nmode: endless",
}


@pytest.fixture
def root(tmp_path) -> Path:
    """A project with one good task type."""
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    shutil.copytree(ROOT / "functions" / "noop", tmp_path / "functions" / "noop")
    return tmp_path


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_what_python_says_of_a_wrong_file_terraform_says_too(root, said):
    (root / "functions" / "noop" / "task.yaml").write_text(said)

    with pytest.raises(Misconfigured) as python:
        load_catalogue(root)
    with pytest.raises(TerraformError) as terraform:
        terraform_reads(root)

    lines = str(python.value).splitlines()
    assert [line for line in lines if line in unwrapped(terraform.value)] == lines


def test_a_file_that_is_not_yaml_is_refused_by_both(root):
    (root / "functions" / "noop" / "task.yaml").write_text("max_attempts: [")

    with pytest.raises(Misconfigured) as python:
        load_catalogue(root)
    with pytest.raises(TerraformError) as terraform:
        terraform_reads(root)

    said = "functions/noop/task.yaml: is not YAML"
    assert said in str(python.value)
    assert said in unwrapped(terraform.value)


RIGHT = {
    "nothing": "",
    "a_comment": "# Every default fits.\n",
    "a_small_cpu": "cpu: 0.08\nconcurrency: 1\nmemory_mb: 512",
    "half_a_cpu": "cpu: 0.5\nconcurrency: 1\nmemory_mb: 1024",
    "one_cpu": "memory_mb: 4096",
    "four_cpus": "cpu: 4\nmemory_mb: 2048",
    "eight_cpus": "cpu: 8\nmemory_mb: 32768",
    "schedules": "schedules: [{name: a, cron: '0 7 * * 1-5', time_zone: Europe/Berlin, "
    "payload: {sleep_seconds: 1}, missed: run_all}, {name: b, cron: '* * * * *'}]",
    "turns": "max_concurrent: 10\nmax_concurrent_per_key: 2\nrate_per_second: 0.5",
    "long": "mode: long\nmemory_mb: 512\ncpu: 1",
}


def test_what_python_takes_terraform_takes_too(root):
    for name, said in RIGHT.items():
        make_task_type(root, name, said)
        Limits.model_validate(yaml.safe_load(said) or {})

    terraform_reads(root)


def test_a_name_that_the_system_has_is_refused_in_the_same_words(root):
    for name in TAKEN_NAMES:
        make_task_type(root, name, "description: Has a name that is taken.")

    with pytest.raises(TerraformError) as terraform:
        terraform_reads(root)

    for name in sorted(TAKEN_NAMES):
        with pytest.raises(ValueError, match="choose another") as python:
            TaskType(name, Limits(), Payload)
        assert f"functions/{name}/task.yaml: {python.value}" in unwrapped(terraform.value)


def test_every_name_of_the_infrastructure_that_a_type_could_take_is_taken(planned):
    """A task type `x_y` has account ct-x-y and service x-y."""
    types = {file.parent.name for file in (ROOT / "functions").glob("*/task.yaml")}
    named = {
        account.after["account_id"].removeprefix("ct-")
        for account in resources(planned("prod"), "google_service_account")
        if account.type == "google_service_account"
    }
    for kind in ("google_cloudfunctions2_function", "google_cloud_run_v2_service"):
        named |= {s.after["name"] for s in resources(planned("prod"), kind) if s.type == kind}

    assert {name.replace("-", "_") for name in named} - types == set(TAKEN_NAMES)


def make_task_type(root: Path, name: str, said: str) -> None:
    """Write a task type's folder."""
    folder = root / "functions" / name
    folder.mkdir()
    (folder / "task.yaml").write_text(said)
    shutil.copy(ROOT / "functions" / "noop" / "payload.py", folder)


def test_a_missing_payload_model_is_told_in_the_same_words(root):
    (root / "functions" / "lonely").mkdir()
    (root / "functions" / "lonely" / "task.yaml").write_text("description: Has no payload.")

    with pytest.raises(Misconfigured) as python:
        load_catalogue(root)
    with pytest.raises(TerraformError) as terraform:
        terraform_reads(root)

    assert str(python.value) in unwrapped(terraform.value)


def terraform_reads(root: Path) -> None:
    """Let Terraform read the task types; the module that does needs no provider."""
    terraform = Terraform(root / "infra" / "modules" / "task_types", {})
    terraform.run("init", "-no-color")
    terraform.run("plan", "-no-color", f"-var=functions_dir={root / 'functions'}")


def unwrapped(error: BaseException) -> str:
    """Return Terraform's text without its line breaks."""
    return " ".join(str(error).split())
