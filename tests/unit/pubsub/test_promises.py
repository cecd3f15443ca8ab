"""The book that the kill test keeps finds every kind of broken promise."""

from tests.bench.pubsub.promises import Promises


def test_what_was_answered_and_never_came_is_missing():
    promises = Promises(["a", "b"])
    promises.answered([1, 2])
    promises.delivered("a", 1)

    assert promises.missing("a") == {2}
    assert promises.missing("b") == {1, 2}


def test_what_one_subscription_got_unanswered_is_missing_on_the_other():
    promises = Promises(["a", "b"])
    promises.delivered("a", 7)

    assert promises.missing("b") == {7}
    assert promises.missing("a") == set()


def test_a_delivery_after_a_confirmed_ack_is_broken():
    promises = Promises(["a"])
    promises.delivered("a", 1)
    promises.delivered("a", 1)
    assert promises.broken == []
    promises.confirmed("a", [1])
    promises.delivered("a", 1)

    assert promises.broken == ["a: 1 came again after its ack was confirmed"]


def test_messages_of_other_keys_and_without_one_have_no_order():
    promises = Promises(["a"])
    for number, key in ((5, ""), (4, ""), (3, "k"), (2, "other"), (1, "")):
        promises.delivered("a", number, key)

    assert promises.broken == []


def test_order_is_judged_by_first_deliveries_alone():
    promises = Promises(["a"])
    for number in (1, 2, 1, 2, 4, 3):
        promises.delivered("a", number, "k")

    assert promises.broken == ["a: 3 of key 'k' came only after 4"]
