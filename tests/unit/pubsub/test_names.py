"""Resource names and pages."""

import pytest

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import LENIENT
from emulators.pubsub.names import check_project, check_subscription_name, check_topic_name, page_of

NAMES = [f"projects/p/topics/t{number}" for number in range(5)]


@pytest.mark.parametrize("check", [check_topic_name, check_subscription_name, check_project])
@pytest.mark.parametrize("name", ["", "projects/", "nonsense", "projects/p/nothing/abc", "/"])
def test_a_name_of_another_form_is_refused(check, name):
    with pytest.raises(InvalidArgument):
        check(name)


def test_a_topics_name_is_no_subscriptions():
    with pytest.raises(InvalidArgument):
        check_subscription_name("projects/p/topics/abc")


@pytest.mark.parametrize("short_id", ["googabc", "ab", "1abc", "a" * 256, "a b", "abcé", "abc\n"])
def test_a_bad_id_is_refused(short_id):
    with pytest.raises(InvalidArgument):
        check_topic_name(f"projects/p/topics/{short_id}")


@pytest.mark.parametrize("short_id", ["abc", "a" * 255, "A-_.~+%9", "Google", "a%2Fb"])
def test_an_id_at_the_limits_is_accepted(short_id):
    name = f"projects/example.com:p/topics/{short_id}"

    assert check_topic_name(name) == name


def test_pages_follow_each_other_to_the_end():
    first, token = page_of(reversed(NAMES), 2, "")
    second, token = page_of(NAMES, 2, token)
    third, token = page_of(NAMES, 2, token)

    assert [first, second, third] == [NAMES[:2], NAMES[2:4], NAMES[4:]]
    assert token == ""


def test_a_page_that_ends_the_list_exactly_is_the_last():
    assert page_of(NAMES, 5, "") == (NAMES, "")


def test_a_name_deleted_between_two_pages_loses_none():
    _, token = page_of(NAMES, 2, "")

    assert page_of([name for name in NAMES if name != NAMES[1]], 2, token)[0] == NAMES[2:4]


def test_a_negative_size_is_refused():
    with pytest.raises(InvalidArgument):
        page_of(NAMES, -1, "")


@pytest.mark.parametrize("token", ["nonsense", "YWZ0ZXI6eA==", "é"])
def test_a_token_that_was_never_given_is_refused_unless_lenient(token):
    with pytest.raises(InvalidArgument, match="page_token"):
        page_of(NAMES, 2, token)
    assert page_of(NAMES, 2, token, limits=LENIENT) == ([], "")


def test_a_negative_size_is_all_there_is_with_lenient_limits():
    assert page_of(NAMES, -1, "", limits=LENIENT) == (NAMES, "")


def test_a_page_holds_a_thousand_at_most():
    names = [f"projects/p/topics/t{number:04}" for number in range(1001)]

    for size in (0, 1001, 2**31 - 1):
        first, token = page_of(names, size, "")
        assert len(first) == 1000
        assert page_of(names, size, token) == (names[1000:], "")
