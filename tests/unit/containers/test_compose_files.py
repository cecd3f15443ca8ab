"""The compose files say what the code and the folders say; read as data, without an engine."""

import json
import re
from pathlib import Path

import pytest
import yaml

from emulators.docker.provision import main, topology_of
from emulators.stack.errors import StackError
from emulators.stack.task_types import function_names, read_task_types

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "emulators" / "docker"
ONE_SHOT = {"migrate", "provision"}


class Loader(yaml.SafeLoader):
    """Reads Compose's own tags as what they hold."""


Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_sequence(node)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_scalar(node)
    ),
)


def services_of(name):
    return yaml.load((FOLDER / name).read_text(), Loader)["services"]  # noqa: S506


SERVICES = services_of("compose.yaml")
GOOGLE = services_of("compose.google.yaml")
FUNCTIONS = {
    service["environment"]["FUNCTION"]: (name, service)
    for name, service in SERVICES.items()
    if "FUNCTION" in service.get("environment", {})
}


def addresses(services):
    """What `provision` is told: the address of each function."""
    words = services["provision"]["command"]
    return dict(word.split("=", 1) for word in words if not word.startswith("-") and "=" in word)


@pytest.mark.parametrize("function", function_names(ROOT))
def test_every_function_has_a_service(function):
    """A new task type: copy the service of another one, and its line in `provision`."""
    assert function in FUNCTIONS
    assert FUNCTIONS[function][0] == function.replace("_", "-")


def test_there_is_no_service_of_a_function_that_is_gone():
    assert set(FUNCTIONS) == set(function_names(ROOT))


def test_pushes_go_to_where_each_function_listens_and_carry_the_audience_that_it_wants():
    told = addresses(SERVICES)

    for function, url in told.items():
        name, service = FUNCTIONS[function]
        assert url == f"http://{name}:{service['environment']['PORT']}"
        assert service["environment"]["CLOUDTASKER_PUSH_AUDIENCE"] == url
    assert set(told) == set(FUNCTIONS) - {"enqueue", "relay"}


def test_no_two_functions_listen_on_one_port():
    """So that they can also share a network, as they do beside Google's emulator."""
    ports = [service["environment"]["PORT"] for _, service in FUNCTIONS.values()]

    assert len(set(ports)) == len(ports)


def test_the_scheduler_calls_the_relay_where_it_listens():
    (job,) = json.loads((FOLDER / "scheduler.json").read_text())["jobs"]
    relay = SERVICES["relay"]["environment"]

    assert job["uri"] == f"http://relay:{relay['PORT']}/"
    assert job["oidc"]["audience"] == relay["CLOUDTASKER_PUSH_AUDIENCE"]
    assert job["oidc"]["service_account_email"] == relay["CLOUDTASKER_PUSH_SERVICE_ACCOUNT"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_alone(name):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_no_secret_stands_in_a_file():
    for file in FOLDER.glob("*.yaml"):
        for line in file.read_text().splitlines():
            value = re.search(r"^ *\w*(?:PASSWORD|SECRET|API_KEY): *(\S+)", line)
            assert value is None or value[1].startswith('"${'), line
            assert "@postgres" not in line or ":${POSTGRES_PASSWORD:?" in line


def test_everything_waits_for_what_it_needs_to_work():
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert how["condition"] == done, (name, needed)


def test_beside_googles_emulator_only_what_it_pushes_to_takes_calls_without_a_token():
    pushed = {name for name, service in FUNCTIONS.values() if "depends_on" in service}
    pushed -= {"enqueue"}
    without = {
        name
        for name, service in GOOGLE.items()
        if service.get("environment", {}).get("CLOUDTASKER_PUSH_AUTH") == "none"
    }

    assert without == pushed
    for name in without:
        assert GOOGLE[name]["network_mode"] == "service:pubsub"
        assert GOOGLE[name]["environment"]["HOST"] == "127.0.0.1"


def test_googles_emulator_pushes_to_the_same_ports_on_loopback():
    for function, url in addresses(GOOGLE).items():
        assert url == f"http://127.0.0.1:{FUNCTIONS[function][1]['environment']['PORT']}"
    assert set(addresses(GOOGLE)) == set(addresses(SERVICES))


def test_pub_sub_is_not_set_up_with_a_task_type_left_out():
    with pytest.raises(StackError, match="No service is known for noop"):
        topology_of(
            read_task_types(ROOT, None),
            {name: url for name, url in addresses(SERVICES).items() if name != "noop"},
            "",
        )


def test_each_push_subscription_carries_tokens_for_its_own_function():
    plan = topology_of(read_task_types(ROOT, None), addresses(SERVICES), "pusher@example.com")

    pushed = {s.name: s for s in plan.subscriptions if s.push_endpoint}
    assert pushed["tasks-send-email-push"].push_endpoint == "http://send-email:8105"
    assert {s.service_account for s in pushed.values()} == {"pusher@example.com"}


def test_the_set_up_says_what_is_missing_and_fails(capsys):
    code = main(["--pubsub=127.0.0.1:1", f"--root={ROOT}", "noop=http://noop:1"])

    assert code == 1
    assert "CT111" in capsys.readouterr().err
