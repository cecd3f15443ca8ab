"""The manifests in the tree are those of the task types; a forgotten `make manifests` is red."""

import shutil

import pytest

from infra.manifests.__main__ import ROOT, main
from infra.manifests.rendering import KNATIVE, KUBERNETES, MIGRATE, rendered, stale, write
from infra.manifests.workloads import CAP, workloads


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the manifests are made from and of the manifests."""
    folders = ("functions", "infra/kubernetes", "infra/knative")
    for folder in folders:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_the_manifests_of_the_tree_are_not_stale():
    assert stale(ROOT, rendered(ROOT)) == [], "run `make manifests`"
    assert main(["--check"]) == 0


def test_a_changed_limit_makes_its_manifests_stale_and_writing_mends_them(checkout):
    task = checkout / "functions" / "send_email" / "task.yaml"
    task.write_text(task.read_text() + "concurrency: 7\nmax_instances: 3\n")
    files = rendered(checkout)

    assert stale(checkout, files) == [
        f"{KNATIVE}/send-email.yaml",
        f"{KUBERNETES}/send-email.yaml",
    ]
    write(checkout, files)
    assert stale(checkout, files) == []
    assert "maxReplicas: 3" in (checkout / KUBERNETES / "send-email.yaml").read_text()


def test_a_task_type_that_is_gone_takes_its_manifests_with_it(checkout):
    shutil.rmtree(checkout / "functions" / "noop")
    write(checkout, rendered(checkout))

    assert not (checkout / KUBERNETES / "noop.yaml").exists()
    assert "noop" not in (checkout / KUBERNETES / "kustomization.yaml").read_text()
    assert "ct-noop" not in (checkout / MIGRATE).read_text()


def test_every_function_of_the_checkout_is_a_workload():
    functions = {file.parent.name for file in (ROOT / "functions").glob("*/main.py")}

    assert {workload.name for workload in workloads(ROOT)} == functions


def test_instances_are_capped_so_that_the_database_can_take_their_connections():
    assert max(workload.most for workload in workloads(ROOT)) <= CAP
