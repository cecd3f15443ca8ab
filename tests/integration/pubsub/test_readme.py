"""What the emulator's README shows is run here, as it stands there."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from google.cloud import pubsub_v1

import emulators.pubsub
from emulators.pubsub.options import parser
from emulators.pubsub.testing import PubSubEmulator

README = (Path(emulators.pubsub.__file__).parent / "README.md").read_text()
LETTERS, READERS = "projects/p/topics/letters", "projects/p/subscriptions/readers"
SEED = {"topics": [{"name": LETTERS}], "subscriptions": [{"name": READERS, "topic": LETTERS}]}


def blocks(language):
    """Return the README's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block(language, having):
    """Return the one code block that has this text."""
    [found] = [one for one in blocks(language) if having in one]
    return found


@pytest.fixture
def emulator():
    with PubSubEmulator() as emulator:
        yield emulator


def send_letter(text):
    """The code under test in the README's examples."""
    pubsub_v1.PublisherClient().publish(LETTERS, text.encode()).result(10)


def test_the_quick_start_prints_what_was_published(emulator, capsys):
    exec(block("python", "publisher.create_topic"), {})  # noqa: S102

    assert 'data: "hello"' in capsys.readouterr().out


def test_the_example_of_an_emulator_in_process_passes():
    names = {"send_letter": send_letter}
    exec(block("python", "def test_a_letter_is_published"), names)  # noqa: S102

    names["test_a_letter_is_published"]()


def test_the_recipes_do_what_they_say(emulator):
    emulator.seed(SEED | {"messages": [{"topic": LETTERS, "messages": [{"text": "first"}]}]})
    names = {"emulator": emulator, "client": pubsub_v1.SubscriberClient(), "READERS": READERS}
    names["publish_letter"] = lambda: send_letter("again")

    exec(block("python", "emulator.clock.advance(31 * 86_400)"), names)  # noqa: S102

    assert len(emulator.faults.list()) == 5


def test_the_seed_in_yaml_is_one(emulator):
    [seed] = blocks("yaml")

    done = emulator.seed(yaml.safe_load(seed))

    assert done["created"] == [LETTERS, READERS]
    assert [one.data for one in emulator.messages(READERS)] == [b"hello"]


def test_the_control_apis_commands_are_answered(emulator, tmp_path):
    (tmp_path / "seed.json").write_text(json.dumps(SEED))
    commands = re.findall(r"^\$ (curl .*\$api.*)$", README, re.MULTILINE)
    api = f"{emulator.http_url}/_emulator"

    for command in commands:
        arguments = ["curl", "--silent", "--fail-with-body", *shlex.split(command)[1:]]
        arguments = [argument.replace("$api", api) for argument in arguments]
        done = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, timeout=20)
        assert done.returncode == 0, (command, done.stdout)

    assert len(commands) == 5
    assert emulator.dump()["topics"] == []


def test_the_table_of_flags_has_all_there_are():
    [table] = re.findall(r"^\| flag .*?\n\n", README, re.DOTALL | re.MULTILINE)
    known = {
        option
        for action in parser()._actions
        for option in action.option_strings
        if option.startswith("--")
    }

    assert set(re.findall(r"--[a-z-]+[a-z]", table.replace("---", ""))) >= known - {"--help"}
