"""What infrastructure and code say in two places, they say alike."""

import ast
import io
import json
import logging
import re
import subprocess
import sys
from dataclasses import asdict

import pytest
import yaml

from functions.enqueue.operations import operations
from functions.relay.endpoint import LATE_SECONDS
from infra import gateway_paths
from shared.adapters.pg_connection import REVISION
from shared.services.relay import Round
from shared.settings import Settings
from shared.telemetry import Event, configure, log
from shared.variables import VARIABLES
from tests.integration.infra.conftest import ENVIRONMENTS, ROOT
from tests.integration.infra.resources import resources, strings

MODULES = ROOT / "infra" / "modules"
FOR_PROBES = {"/ready", "/metrics"}  # /health is asked from outside, too
NOWHERE = {
    "CLOUDTASKER_DATABASE_URL": "postgresql+pg8000://nobody@127.0.0.1:9/none",
    "CLOUDTASKER_REDIS_URL": "redis://127.0.0.1:9/0",
    "CLOUDTASKER_AUTH": "keys",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",
}
PLATFORM = {"FUNCTION_USE_ASGI", "FUNCTION_TARGET", "FUNCTION_SOURCE", "PYTHONPATH"}


def test_api_gateway_lets_through_what_the_api_has_but_probes():
    """Who adds a route runs `make gateway-paths`."""
    assert gateway_paths.TARGET.read_text() == gateway_paths.document(), "run `make gateway-paths`"

    paths = yaml.safe_load(gateway_paths.TARGET.read_text())
    let_through = {(path, verb) for path, verbs in paths.items() for verb in verbs}
    served = {(path, verb) for path, verbs in operations({}).items() for verb in verbs}
    assert let_through == {(path, verb) for path, verb in served if path not in FOR_PROBES}
    opened = [
        path for path, verbs in paths.items() for said in verbs.values() if "security" in said
    ]
    assert opened == ["/health"]


def test_every_metric_of_the_log_is_about_an_event_of_the_code(planned):
    filters = [
        metric.after["filter"] for metric in resources(planned("dev"), "google_logging_metric")
    ]
    named = {name for text in filters for name in re.findall(r'event = "(\w+)"', text)}

    assert named <= {event.value for event in Event}
    assert {"task_succeeded", "task_failed", "task_dead", "fault"} <= named


def test_what_an_event_is_watched_for_the_code_logs(planned):
    """Not only in the list: some line of ours writes it."""
    plan = planned("prod")
    watched = set(re.findall(r'jsonPayload\.event = \\?"(\w+)\\?"', json.dumps(plan.json)))
    sources = [
        file.read_text()
        for folder in ("functions", "grpc_gateway", "shared")
        for file in (ROOT / folder).rglob("*.py")
        if file != ROOT / "shared" / "telemetry.py"
    ]

    assert [
        name for name in watched if not any(f"Event.{name.upper()}" in text for text in sources)
    ] == []
    assert len(watched) > 5


@pytest.mark.parametrize("event", [Event.FAULT, Event.MISCONFIGURED, Event.DEAD_LETTERS_STUCK])
def test_the_alert_on_defects_fires_on_the_line_that_the_code_writes(planned, event):
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure(Settings(), stream)
        log(event, severity="ERROR", error=RuntimeError("a defect"), request_id="1")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    line = json.loads(stream.getvalue())

    (alert,) = defect_alerts(planned("prod"))
    wanted = re.findall(r'jsonPayload\.(\w+) = "(\w+)"', alert["filter"])
    assert any(line.get(field) == value for field, value in wanted)


def defect_alerts(plan) -> list[dict]:
    """Return the conditions that are met by a line of the log alone."""
    return [
        matched
        for policy in resources(plan, "google_monitoring_alert_policy")
        for condition in policy.after["conditions"]
        for matched in condition["condition_matched_log"]
    ]


def test_every_variable_that_is_set_is_one_of_the_code(planned):
    known = {variable.name for variable in VARIABLES} | PLATFORM
    given = set()
    for function in resources(planned("dev"), "google_cloudfunctions2_function"):
        given |= set(function.after["service_config"][0].get("environment_variables") or {})
    text = "".join(file.read_text() for file in MODULES.rglob("main.tf"))
    given |= set(re.findall(r"\bCLOUDTASKER_[A-Z_]+\b", text))

    assert given - known == set()


def test_the_relay_keeps_what_the_code_keeps_unless_a_variable_says_otherwise(any_plan):
    (relay,) = (
        function.after["service_config"][0]["environment_variables"]
        for function in resources(any_plan, "google_cloudfunctions2_function")
        if function.after["name"] == "relay"
    )
    kept = {name: said for name, said in relay.items() if "_KEEP_" in name}
    of_the_code = {one.name: one.default for one in VARIABLES if "_KEEP_" in one.name}

    assert kept == of_the_code
    assert len(kept) == 3


def test_the_relays_lag_is_a_field_of_the_line_that_it_writes(planned):
    metrics = resources(planned("prod"), "google_logging_metric")
    (lag,) = (one.after for one in metrics if "relay_round" in one.after["filter"])
    (field,) = re.findall(r"EXTRACT\(jsonPayload\.(\w+)\)", lag["value_extractor"])

    assert field in asdict(Round())
    watched = [
        threshold
        for policy in resources(planned("prod"), "google_monitoring_alert_policy")
        for condition in policy.after["conditions"]
        for threshold in condition["condition_threshold"]
        if lag["name"] in threshold.get("filter", "")  # of one it is known after apply
    ]
    assert [alert["threshold_value"] for alert in watched] == [2 * LATE_SECONDS]


def test_every_alert_leads_to_a_section_of_the_runbook(planned):
    headings = re.findall(r"^## (.+)$", (ROOT / "infra" / "RUNBOOK.md").read_text(), re.M)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    text = (MODULES / "observability" / "main.tf").read_text()

    named = set(re.findall(r'anchor\s+= "([\w-]+)"', text)) | set(re.findall(r"#([a-z-]+)\"", text))
    assert named <= anchors
    assert len(named) > 5


def test_every_alert_policy_says_where_the_runbook_is(planned):
    policies = resources(planned("prod"), "google_monitoring_alert_policy")

    assert [p.address for p in policies if "RUNBOOK.md#" not in " ".join(strings(p.after))] == []


def test_the_newest_migration_is_the_one_that_the_code_needs():
    versions = sorted((ROOT / "shared" / "migrations" / "versions").glob("[0-9]*.py"))

    assert versions[-1].name[:4] == REVISION


def test_connections_are_counted_as_the_code_opens_them(planned, tmp_path):
    limited = tmp_path / "limits.yaml"
    limited.write_text("noop: {max_concurrent: 1}")

    opened = connections()
    opened["limited_task"] = connections(CLOUDTASKER_TASK_OVERRIDES=str(limited))["task"]
    for environment in ENVIRONMENTS:
        outputs = planned(environment).json["planned_values"]["outputs"]
        counted = outputs["connections"]["value"]
        assert {kind: counted[kind] for kind in opened} == opened
        assert counted["needed"] <= counted["taken"] - 10


def connections(**more: str) -> dict[str, int]:
    """Return how many connections a process of each kind opens at the most."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.integration.infra.connections"],
        cwd=ROOT,
        env={"PATH": "", **NOWHERE, **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(said.stdout.splitlines()[-1])


def test_the_cache_is_asked_by_the_api_and_by_limited_types_alone():
    """So nobody else is given its password (`cache_readers`)."""
    wired, opened = (_functions_of(f"shared/{name}.py") for name in ("bootstrap", "opened"))
    functions = opened | wired

    def asks(name: str) -> bool:
        """Whether the function, or one that it calls at any depth, reads the address."""
        calls = [one.func for one in ast.walk(functions[name]) if isinstance(one, ast.Call)]
        called = {ast.unparse(call).removeprefix("opened.") for call in calls}
        return "redis_url" in ast.unparse(functions[name]) or any(
            asks(one) for one in called & functions.keys()
        )

    users = {name for name in wired if not name.startswith("_") and asks(name)}

    assert users == {"api", "runner"}


def _functions_of(path: str) -> dict[str, ast.FunctionDef]:
    module = ast.parse((ROOT / path).read_text())
    return {part.name: part for part in module.body if isinstance(part, ast.FunctionDef)}
