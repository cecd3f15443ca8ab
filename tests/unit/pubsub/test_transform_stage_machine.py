"""Publish, take, ack, nack and time in any order: none lost, none out of turn, none too many."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from emulators.pubsub.policy import Policy
from emulators.pubsub.transforms.chain import Failed
from tests.unit.pubsub.test_transform_stage import DEADLINE, KeyedLog, Scene

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 5)),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(st.just("ack"), st.integers(0, 9)),
        st.tuples(st.just("nack"), st.integers(0, 9)),
        st.tuples(st.just("pass"), st.integers(1, 12)),
        st.tuples(st.just("fail"), st.integers(1, 9)),
    ),
    max_size=40,
)


class Machine:
    """A stage before an engine, and consumers that may do anything."""

    def __init__(self, ordered, exactly_once):
        policy = Policy(DEADLINE, exactly_once=exactly_once)
        self.ordered = ordered
        self.scene = Scene(self.transform, policy, KeyedLog() if ordered else None)
        self.failing = set()
        self.out = []
        self.acked = set()

    def transform(self, message):
        seq = int(message.data)
        if seq in self.failing:
            self.failing.discard(seq)
            return Failed("once")
        return None if seq % 4 == 0 else message

    def wanted(self):
        return {seq for seq in range(1, self.scene.published + 1) if seq % 4}

    async def do(self, step, number):
        engine = self.scene.engine
        if step == "publish":
            self.scene.publish(number)
        elif step == "fail":
            self.failing.add(number)
        elif step == "pass":
            self.scene.now += number
        elif step == "take":
            await self.take(number)
        elif self.out:
            delivery = self.out.pop(number % len(self.out))
            if step == "nack":
                engine.modify(delivery.seq, delivery.generation, 0, self.scene.now)
            else:
                self.ack(delivery)

    def ack(self, delivery):
        self.scene.engine.tick(self.scene.now)
        if self.scene.engine.ack(delivery.seq, delivery.generation):
            self.acked.add(delivery.seq)

    async def take(self, limit):
        found = self.scene.take(limit=limit)
        await self.scene.settled()
        if self.ordered:
            self.check_turn([one.delivery.seq for one in found])
        self.out += [one.delivery for one in found]

    def check_turn(self, seqs):
        """A key's messages come in order, after all earlier ones are acked."""
        assert seqs == sorted(seqs)
        if seqs:
            earlier = {seq for seq in self.wanted() if seq < seqs[0]}
            assert earlier <= self.acked

    async def drain(self):
        for _ in range(500):
            if not self.scene.engine.unacked():
                break
            self.out.clear()
            self.scene.now += DEADLINE
            await self.take(3)
            await self.take(3)
            for delivery in self.out:
                self.ack(delivery)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans(), st.booleans())
def test_every_message_is_acked_or_filtered_in_the_end(steps, ordered, exactly_once):
    async def run():
        machine = Machine(ordered, exactly_once)
        for step in steps:
            await machine.do(*step)
        await machine.drain()
        assert machine.scene.engine.unacked() == 0
        assert machine.acked == machine.wanted()

    asyncio.run(run())
