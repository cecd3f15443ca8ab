"""Reading task types from their folders; every mistake in them has its words."""

import sys

import pytest

from shared.adapters.catalogue import load_catalogue, load_task_type
from shared.domain.errors import Misconfigured
from shared.settings import ROOT

MODEL = "from shared.domain.payload import Payload\n\n\nclass Thing(Payload):\n    a: int\n"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A checkout with one task type `thing` below another root; returns a writer of its files."""
    folder = tmp_path / "functions" / "thing"
    folder.mkdir(parents=True)
    import functions

    monkeypatch.setattr(functions, "__path__", [str(tmp_path / "functions")])
    for name in [name for name in sys.modules if name.startswith("functions.thing")]:
        del sys.modules[name]

    def write(yaml: str = "", payload: str | None = MODEL):
        (folder / "task.yaml").write_text(yaml)
        if payload is not None:
            (folder / "payload.py").write_text(payload)
        return tmp_path

    yield write
    for name in [name for name in sys.modules if name.startswith("functions.thing")]:
        del sys.modules[name]


def test_the_shipped_task_types_load():
    assert {"send_email", "deliver_webhook", "make_thumbnail", "noop"} <= set(load_catalogue(ROOT))


def test_a_folder_with_a_task_yaml_is_a_task_type(house):
    task_type = load_catalogue(house("max_attempts: 7"))["thing"]
    assert (task_type.limits.max_attempts, task_type.payload_model.__name__) == (7, "Thing")


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("max_attempts: 4", "functions/thing/task.yaml: max_attempts: "),
        ("time_limit_seconds: 999", "limits: time_limit_seconds (999) above 570"),
        ("ack_deadline_seconds: 5", "ack_deadline_seconds: "),
        ("retry: {min_seconds: -1}", "retry.min_seconds: "),
        ("retry: {by: luck}", "retry.by: "),
        ("colour: red", "colour: "),
        ("[1, 2]", "must be a mapping, not a list"),
        ("a: [", "is not YAML"),
        ("max_attempts: 4\ncpu: 9", "cpu: "),
    ],
)
def test_a_wrong_task_yaml_names_file_field_and_problem(house, yaml, said):
    with pytest.raises(Misconfigured) as wrong:
        load_catalogue(house(yaml))
    assert said in str(wrong.value)


def test_a_missing_payload_model_is_named_with_the_fix(house):
    with pytest.raises(Misconfigured, match=r"functions/thing/payload\.py is missing: define"):
        load_catalogue(house(payload=None))


@pytest.mark.parametrize("payload", ["x = 1\n", MODEL + "\n\nclass Other(Payload):\n    b: int\n"])
def test_a_payload_module_has_exactly_one_model(house, payload):
    with pytest.raises(Misconfigured, match="exactly one subclass of Payload"):
        load_catalogue(house(payload=payload))


def test_a_payload_module_that_cannot_import_says_so_itself(house):
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        load_catalogue(house(payload="import not_installed\n"))


def test_overrides_change_limits_level_by_level(house, tmp_path):
    root = house("retry: {by: ledger, min_seconds: 5}")
    overrides = tmp_path / "overrides.yaml"
    overrides.write_text("thing: {max_attempts: 9, retry: {min_seconds: 0}}\nother: {cpu: 2}\n")
    limits = load_task_type(root, "thing", overrides).limits
    assert (limits.max_attempts, limits.retry.by, limits.retry.min_seconds) == (9, "ledger", 0)


GOOD = "{name: a, cron: '0 7 * * *', payload: {a: 1}}"


def test_schedules_of_a_file_are_read(house):
    [one] = load_catalogue(house(f"schedules: [{GOOD}]"))["thing"].limits.schedules
    assert (one.name, one.cron, one.time_zone, one.missed) == ("a", "0 7 * * *", "UTC", "run_once")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("{name: a, cron: '61 * * * *', payload: {a: 1}}", "schedules.0.cron: "),
        ("{name: a, cron: '0 7 * * *', payload: {a: x}}", "schedules.0.payload.a: "),
        ("{name: a, cron: '0 7 * * *'}", "schedules.0.payload.a: "),
        ("{name: a, cron: '0 7 * * *', payload: {a: 1}, time_zone: Here}", "schedules.0.time_zone"),
        (f"{GOOD}, {GOOD}", "schedules.1.name: 'a' is a schedule of thing already"),
    ],
)
def test_a_wrong_schedule_names_its_place_and_problem(house, schedule, said):
    with pytest.raises(Misconfigured) as wrong:
        load_catalogue(house(f"schedules: [{schedule}]"))
    assert f"functions/thing/task.yaml: {said}" in str(wrong.value)
