"""The pytest plugin, as a project that has the emulator installed meets it."""

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]
PLUGIN = "emulators.pubsub.testing.plugin"


@pytest.fixture
def run(pytester):
    """Run pytest on a file with these lines in a new process; return its outcomes."""
    known = [one.value for one in entry_points(group="pytest11")]
    arguments = [] if PLUGIN in known else ["-p", PLUGIN]

    def run(code):
        pytester.makepyfile(code)
        return pytester.runpytest_subprocess(*arguments, "-p", "no:cacheprovider")

    return run


def test_a_test_gets_an_emulator_that_the_client_finds(run):
    result = run(
        """
        from google.cloud import pubsub_v1

        def test_publish(pubsub_emulator):
            pubsub_emulator.seed({
                "topics": [{"name": "projects/p/topics/letters"}],
                "subscriptions": [{"name": "projects/p/subscriptions/readers",
                                   "topic": "projects/p/topics/letters"}],
            })
            publisher = pubsub_v1.PublisherClient()
            publisher.publish("projects/p/topics/letters", b"hello").result(10)
            waiting = pubsub_emulator.messages("projects/p/subscriptions/readers")
            assert [one.data for one in waiting] == [b"hello"]
        """
    )

    result.assert_outcomes(passed=1)


def test_every_test_begins_with_an_empty_one_and_the_present_time(run):
    result = run(
        """
        import pytest, time

        @pytest.mark.parametrize("number", [1, 2])
        def test_fresh(pubsub_emulator, pubsub_clock, number):
            assert pubsub_emulator.dump()["topics"] == []
            assert pubsub_emulator.faults.list() == []
            assert abs(pubsub_clock.now().timestamp() - time.time()) < 60
            pubsub_emulator.seed({"topics": [{"name": "projects/p/topics/letters"}]})
            pubsub_emulator.faults.add(rpc="Publish", code="UNAVAILABLE")
            pubsub_clock.advance(86_400)
        """
    )

    result.assert_outcomes(passed=2)


def test_the_run_has_one_emulator_and_the_environment_only_during_its_tests(run):
    result = run(
        """
        import os
        seen = []

        def test_first(pubsub_emulator):
            seen.append(pubsub_emulator.host)
            assert os.environ["PUBSUB_EMULATOR_HOST"] == pubsub_emulator.host

        def test_none():
            assert "PUBSUB_EMULATOR_HOST" not in os.environ

        def test_second(pubsub_emulator):
            assert seen == [pubsub_emulator.host]
        """
    )

    result.assert_outcomes(passed=3)


def test_a_project_may_start_it_otherwise(run):
    result = run(
        """
        import pytest
        from pathlib import Path

        @pytest.fixture(scope="session")
        def pubsub_emulator_options(tmp_path_factory):
            return {"data_dir": tmp_path_factory.mktemp("pubsub")}

        def test_folder(pubsub_emulator, pubsub_emulator_options):
            assert (pubsub_emulator_options["data_dir"] / "pubsub.sqlite3").is_file()
        """
    )

    result.assert_outcomes(passed=1)


def test_it_costs_nothing_where_it_is_not_used(run):
    result = run(
        """
        import sys

        def test_nothing_is_loaded():
            assert "emulators.pubsub.testing.plugin" in sys.modules
            heavy = ("grpc", "aiohttp", "google.protobuf", "emulators.pubsub.server", "sqlite3")
            assert [name for name in heavy if name in sys.modules] == []
        """
    )

    result.assert_outcomes(passed=1)
