"""A wrong task.yaml is refused by Python and by Terraform, with the same words."""

import shutil
from pathlib import Path

import pytest

from emulators.terraform.errors import TerraformError
from emulators.terraform.terraform import Terraform
from shared.adapters.catalogue import load_catalogue
from shared.domain.errors import Misconfigured
from tests.integration.infra.conftest import ROOT

WRONG = {
    "too_low": "max_attempts: 4",
    "too_high": "time_limit_seconds: 571",
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
    "many_instances": "max_instances: 1001",
    "no_concurrency": "concurrency: 0",
    "half_an_attempt": "max_attempts: 5.5",
    "a_word_for_a_number": "max_attempts: many",
    "ordering_by_word": "ordering: maybe",
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
