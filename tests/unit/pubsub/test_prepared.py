"""Transformed messages that wait: whose turn it is, and what is remembered."""

from emulators.pubsub.engine import Delivery
from emulators.pubsub.sources import Taken
from emulators.pubsub.transforms import prepared as module
from emulators.pubsub.transforms.prepared import Prepared


class Scene:
    """Messages that are out until a test takes them away."""

    def __init__(self):
        self.ended = set()
        self.prepared = Prepared(lambda delivery: delivery not in self.ended)
        self._count = 0

    def add(self, *keys, size=1):
        for key in keys:
            self._count += 1
            delivery = Delivery(self._count, self._count, 1)
            self.prepared.add(Taken(delivery, b"x" * size), key)

    def hand_out(self, limit=100, max_bytes=1000):
        return [one.delivery.seq for one in self.prepared.hand_out(limit, max_bytes)]

    def end(self, *seqs):
        self.ended |= {Delivery(seq, seq, 1) for seq in seqs}


def test_messages_are_handed_out_once_and_in_order():
    scene = Scene()
    scene.add("", "", "")

    assert scene.hand_out(limit=2) == [1, 2]
    assert scene.hand_out() == [3]
    assert not scene.prepared.has_ready()


def test_a_key_in_use_holds_back_its_own_messages_only():
    scene = Scene()
    scene.add("a", "b", "a", "", "b")

    assert scene.hand_out(limit=1) == [1]
    assert scene.hand_out() == [2, 4, 5]
    assert (scene.hand_out(), scene.prepared.has_ready(), len(scene.prepared)) == ([], False, 1)
    scene.end(1)
    assert scene.prepared.has_ready()
    assert scene.hand_out() == [3]


def test_a_large_message_goes_alone_and_no_smaller_one_goes_before_it():
    scene = Scene()
    scene.add("", size=10)
    scene.add("", size=2000)
    scene.add("", size=10)

    assert [scene.hand_out(), scene.hand_out(), scene.hand_out()] == [[1], [2], [3]]


def test_what_is_held_back_takes_no_room():
    scene = Scene()
    scene.add("a")
    scene.hand_out()
    scene.add("a", size=900)
    scene.add("", "", size=100)

    assert scene.hand_out() == [3, 4]


def test_what_has_ended_is_handed_to_nobody():
    scene = Scene()
    scene.add("", "")
    scene.end(1)

    assert scene.hand_out() == [2]
    scene.add("")
    scene.end(3)
    assert not scene.prepared.has_ready()


def test_what_is_cleared_is_told():
    scene = Scene()
    scene.add("a", "")
    scene.hand_out(limit=1)

    assert [delivery.seq for delivery in scene.prepared.clear()] == [2]
    assert len(scene.prepared) == 0


def test_keys_that_nobody_has_are_forgotten():
    scene = Scene()
    for number in range(3 * module.KEYS_LOOKED_THROUGH):
        scene.add(f"key-{number}")
        scene.hand_out()
        if number:
            scene.end(number + 1)

    assert len(scene.prepared._handed_out) <= module.KEYS_LOOKED_THROUGH + 1
    scene.add("key-0")
    assert scene.hand_out() == []
