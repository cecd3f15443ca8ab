"""The README's generated tables are what the code and the contract tests say."""

import tomllib

from tests.contract.pubsub.coverage.api import all_rpcs
from tests.contract.pubsub.coverage.collecting import TESTS, only_ours
from tests.contract.pubsub.coverage.tables import FEATURES, README, handlers, with_tables


async def test_the_tables_of_the_readme_are_up_to_date():
    text = README.read_text()

    assert await with_tables(text) == text, "run: python -m tests.contract.pubsub.coverage"


async def test_all_38_rpcs_are_there_and_no_other():
    unary, streams = await handlers()

    assert len(all_rpcs()) == 38
    assert sorted([*unary, *streams]) == sorted(all_rpcs())


def test_the_tests_that_a_feature_names_exist():
    known = only_ours()

    for row in tomllib.loads(FEATURES.read_text())["feature"]:
        assert row.get("tests") or row["shown_by"], row["name"]
        assert [test for test in row.get("tests", ()) if test not in known] == [], row["name"]
        for shown_by in row.get("shown_by", ()):
            path, _, function = shown_by.partition("::")
            assert f"def {function}" in (TESTS.parents[1] / path).read_text(), shown_by


def test_a_test_is_for_ours_alone_by_its_fixtures_or_its_files():
    known = only_ours()

    assert not known["test_messages.py::test_an_acked_message_does_not_come_again"]
    assert known["test_messages.py::test_after_a_nack_the_order_of_a_key_is_kept"]
    assert known["test_iam.py::test_a_policy_is_read_changed_and_set"]
    assert known["test_bad_bytes.py::test_an_unknown_method_is_unimplemented"]
    assert known["test_transforms.py::test_a_subscriptions_transforms_are_its_own"]
