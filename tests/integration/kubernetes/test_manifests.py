"""Every overlay builds, and a cluster would take each document: strict schemas for all kinds."""

import json
import subprocess
from copy import deepcopy

import pytest
import yaml

from tests.integration.kubernetes.conftest import (
    CLUSTERS,
    OVERLAYS,
    ROOT,
    documents_of,
    text_of,
    tool,
)
from tests.integration.kubernetes.schemas import SPECS, problems

TASK_TYPES = sorted(file.parent.name for file in (ROOT / "functions").glob("*/task.yaml"))
FUNCTIONS = sorted(file.parent.name for file in (ROOT / "functions").glob("*/main.py"))


def is_own_kind(document) -> bool:
    return (document["apiVersion"], document["kind"]) in SPECS


def validated(documents) -> subprocess.CompletedProcess[str]:
    """The answer of kubernetes-validate, strictly. It takes seconds to begin, so ask it seldom."""
    command = [tool("kubernetes-validate"), "--strict", "/dev/stdin"]
    text = yaml.dump_all(documents, Dumper=yaml.CSafeDumper)
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_kubernetes_own_kinds_pass_its_strict_schemas():
    found = [one for overlay in OVERLAYS for one in documents_of(overlay) if not is_own_kind(one)]
    distinct = {json.dumps(one, sort_keys=True): one for one in found}
    said = validated(distinct.values())

    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count(" passed for ") == len(distinct) > 50
    assert "WARN" not in said.stdout


def test_kinds_of_others_have_the_fields_that_there_are_and_no_others(overlay):
    wrong = {
        f"{one['kind']} {one['metadata']['name']}": problems(one)
        for one in documents_of(overlay)
        if is_own_kind(one)
    }

    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("overlay_of", [*CLUSTERS, "knative"])
def test_every_function_is_there(overlay_of):
    kind = "Deployment" if overlay_of in CLUSTERS else "Service"
    there = {one["metadata"]["name"] for one in documents_of(overlay_of) if one["kind"] == kind}

    assert there == {name.replace("_", "-") for name in FUNCTIONS} | {"grpc-gateway"}
    assert {name.replace("_", "-") for name in TASK_TYPES} < there


def test_what_stands_in_the_base_only_for_an_overlay_to_fill_in_is_filled_in(overlay):
    text = text_of(overlay)

    assert "@project.iam" not in text
    assert ".domain" not in text
    assert "image: cloudtasker/" not in text


def test_mistakes_planted_in_a_deployment_are_refused():
    container = ("spec", "template", "spec", "containers", 0)
    planted = [
        with_mistake((*container, "readynessProbe"), {}),
        with_mistake((*container, "ports", 0, "containerPort"), "http"),
        with_mistake((*container, "resources", "limits", "cpu"), []),
        with_mistake(("spec", "replica"), 2),
        with_mistake(("spec", "selector"), "app"),
    ]
    said = validated(planted)

    assert said.returncode != 0
    assert said.stdout.count("ERROR ") + said.stderr.count("ERROR ") == len(planted)
    assert " passed for " not in said.stdout


def with_mistake(path, value):
    """A Deployment of ours with `value` at `path`."""
    planted = deepcopy(next(one for one in documents_of(CLUSTERS[0]) if is_deployment(one)))
    *way, last = path
    place = planted
    for step in way:
        place = place[step]
    place[last] = value
    return planted


def is_deployment(document) -> bool:
    return document["kind"] == "Deployment"


@pytest.mark.parametrize(("kind", "field"), [("Service", "templates"), ("HTTPRoute", "hosts")])
def test_a_planted_mistake_in_a_kind_of_others_is_refused(kind, field):
    documents = [*documents_of("knative"), *documents_of(CLUSTERS[0])]
    planted = deepcopy(next(one for one in documents if one["kind"] == kind and is_own_kind(one)))
    planted["spec"][field] = []

    assert problems(planted)
