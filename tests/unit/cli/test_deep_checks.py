"""`cloudtasker doctor`: the package, the database, Redis and credentials."""

import json
import shutil
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib import metadata

import pytest

from shared.adapters.catalogue import load_catalogue
from shared.cli import checkup, deep_checks
from shared.settings import ROOT


@pytest.fixture
def installed(tmp_path):
    """A distribution of one file, as pip would leave it."""
    info = tmp_path / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: thing\nVersion: 1.0\n")
    (tmp_path / "thing.py").write_text("x = 1\n")
    digest = urlsafe_b64encode(sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"thing.py,sha256={digest},6\nthing-1.0.dist-info/RECORD,,\n")
    yield tmp_path, metadata.Distribution.at(info)
    shutil.rmtree(info)


def test_a_package_as_built_is_fine_and_a_changed_file_is_named(installed):
    folder, found = installed
    assert deep_checks.judged(found).verdict == "ok"
    (folder / "thing.py").write_text("x = 2\n")
    check = deep_checks.judged(found)
    assert (check.verdict, "thing.py" in check.found) == ("fail", True)
    (folder / "thing.py").unlink()
    assert deep_checks.judged(found).verdict == "fail"


def task_folder(root, name: str, limits: str) -> None:
    folder = root / "functions" / name
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(limits)


def test_a_task_yaml_that_cannot_be_used_is_named_with_its_field(tmp_path):
    assert deep_checks.task_files(tmp_path) == []
    task_folder(tmp_path, "crawl_site", "max_concurrent: -1")
    [check] = deep_checks.task_files(tmp_path)
    assert check.verdict == "fail"
    assert check.found.startswith("functions/crawl_site/task.yaml: max_concurrent: ")


def test_the_task_types_of_this_checkout_can_be_read():
    [check] = deep_checks.task_files(ROOT)
    assert (check.verdict, check.found) == ("ok", f"{len(load_catalogue(ROOT))} task types")


def test_a_payload_that_cannot_be_imported_is_told_with_what_it_raised():
    def broken(*given):
        raise SyntaxError("invalid syntax")

    [check] = deep_checks.task_files(ROOT, broken)
    assert (check.verdict, check.found) == ("fail", "SyntaxError: invalid syntax")


def test_another_level_of_the_schema_names_the_command():
    assert deep_checks.schema("0003", "0003").verdict == "ok"
    check = deep_checks.schema("0002", "0003")
    assert (check.verdict, check.fix) == ("fail", "cloudtasker migrate")


@pytest.mark.parametrize(("ahead", "verdict"), [(0.1, "ok"), (-4.9, "ok"), (6, "warn")])
def test_clocks_that_differ_by_more_than_five_seconds_are_a_warning(ahead, verdict):
    assert deep_checks.clocks(ahead).verdict == verdict


async def test_a_redis_and_an_emulator_that_do_not_answer_are_told(monkeypatch):
    monkeypatch.setenv("CLOUDTASKER_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    [redis] = await deep_checks.redis(None)
    [pubsub] = await deep_checks.emulator(None)
    assert (redis.verdict, pubsub.verdict) == ("warn", "fail")
    assert redis.fix
    assert pubsub.fix


async def test_a_database_is_asked_for_its_level_and_its_clock(postgres, monkeypatch):
    from tests.support.postgres import fresh_database

    monkeypatch.setenv("CLOUDTASKER_DATABASE_URL", fresh_database(postgres, "doctor"))
    checks = await deep_checks.database(None)
    assert [(one.name, one.verdict) for one in checks] == [("schema", "ok"), ("clock", "ok")]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/Nowhere"}}},
        {"type": "object", "properties": {"a": {"type": "strin"}}},
        {"type": "object", "properties": {"a": {"minimum": "1"}}},
        {"type": "object", "required": "a"},
        {"type": "array"},
    ],
)
def test_a_schema_that_cannot_be_used_fails(schema):
    limits = {"time_limit_seconds": 60, "ack_deadline_seconds": 90, "mode": "short"}
    one = {"name": "greet", "description": "", "limits": limits, "payload_schema": schema}
    assert checkup.task_types([one])[0].verdict == "fail"


def test_a_schema_that_was_not_held_against_the_meta_schema_says_so(monkeypatch):
    limits = {"time_limit_seconds": 60, "ack_deadline_seconds": 90, "mode": "short"}
    one = {"name": "greet", "description": "", "limits": limits}
    one["payload_schema"] = {"type": "object"}
    assert "not held" not in checkup.task_types([one])[0].found
    monkeypatch.setitem(sys.modules, "jsonschema", None)  # as where it is not installed
    assert "not held against the meta-schema: pip install" in checkup.task_types([one])[0].found
    one["payload_schema"] = {"type": "object", "properties": {"a": {"pattern": "("}}}
    assert checkup.task_types([one])[0].verdict == "fail"


def test_json_is_an_alias(cloudtasker):
    checks = json.loads(cloudtasker("doctor", "--json").out)["checks"]
    assert "package" in {one["name"] for one in checks}
