"""Any sequence of publishes, pulls, acks, nacks, expiries, seeks and restarts, with and without
ordering, a filter and exactly-once: nothing is lost, nothing acked comes back, attempts are counted
right, the order of a key is kept, and an ack that exactly-once accepts is final."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulators.pubsub.engine import Engine
from emulators.pubsub.policy import Policy, RetryPolicy
from tests.unit.pubsub.logs import TextLog

DEADLINE = 10
picks = st.integers(min_value=0)


class Deliveries(RuleBasedStateMachine):
    @initialize(
        retry=st.sampled_from([None, RetryPolicy(3, 20)]),
        max_attempts=st.sampled_from([None, 3]),
        ordered=st.booleans(),
        filtered=st.booleans(),
        exactly_once=st.booleans(),
    )
    def start(self, retry, max_attempts, ordered, filtered, exactly_once):
        self.now = 0.0
        self.policy = Policy(DEADLINE, retry, max_attempts, exactly_once)
        self.ordered = ordered
        self.filtered = filtered
        self.exactly_once = exactly_once
        self.keys = []  # of message 1, 2, …
        self.unwanted = set()  # what the filter leaves out
        self.past = []  # deliveries that have ended
        self.runs = 0
        self.floor, self.acked_rows, self.failure_rows = 0, set(), {}
        self.outstanding = {}  # seq -> (delivery, deadline), as the rules say
        self.consumers = {}  # seq -> who had it last
        self.held = set()  # acked, but something earlier of the key is not
        self.failed = Counter()
        self.finished = set()  # acked for good, or dead
        self.restart()

    @rule(key=st.sampled_from(["", "", "a", "b"]), count=st.integers(1, 3), wanted=st.booleans())
    def publish(self, key, count, wanted):
        before = len(self.keys)
        self.keys += [key if self.ordered else ""] * count
        if self.filtered and not wanted:
            self.unwanted |= set(range(before + 1, len(self.keys) + 1))
            self.finished |= self.unwanted
        self.engine.publish(len(self.keys))

    @rule(
        limit=st.integers(1, 5),
        per_key=st.sampled_from([None, 1]),
        consumer=st.sampled_from([0, 1, 2]),
    )
    def take(self, limit, per_key, consumer):
        self.expire()
        with_others = self.keys_out_to_others(consumer)
        deliveries = self.engine.take(limit, self.now, per_key=per_key, consumer=consumer)
        self.forward()
        for delivery in deliveries:
            assert self.keys[delivery.seq - 1] not in with_others
            self.consumers[delivery.seq] = consumer
            assert delivery.seq not in self.finished
            assert delivery.seq not in self.outstanding
            assert delivery.seq not in self.held
            assert delivery.attempt == 1 + self.failed[delivery.seq]
            self.check_order(delivery.seq)
            self.outstanding[delivery.seq] = (delivery, self.now + DEADLINE)

    def keys_out_to_others(self, consumer):
        """Keys with a message that is outstanding, not all to this one consumer."""
        return {
            self.keys[seq - 1]
            for seq in self.outstanding
            if consumer == 0 or self.consumers[seq] != consumer
        } - {""}

    def check_order(self, seq):
        """Everything earlier of the key is finished, acked, or was handed out before it."""
        if key := self.keys[seq - 1]:
            earlier = {other for other in range(1, seq) if self.keys[other - 1] == key}
            assert earlier <= self.finished | self.held | set(self.outstanding)

    @precondition(lambda self: self.outstanding)
    @rule(pick=picks)
    def ack(self, pick):
        delivery = self.picked(pick)
        self.expire()
        self.engine.tick(self.now)
        self.forward()
        counts = not self.exactly_once or self.may_be_acked(delivery.seq)
        assert self.engine.ack(delivery.seq, delivery.generation) >= (counts and self.exactly_once)
        if not counts:
            return
        if not self.keys[delivery.seq - 1]:
            self.finished.add(delivery.seq)
            self.outstanding.pop(delivery.seq, None)
        elif self.outstanding.pop(delivery.seq, None):
            self.held.add(delivery.seq)
            self.settle()

    def may_be_acked(self, seq):
        """Exactly-once: it is outstanding, and nothing earlier of its key waits."""
        key = self.keys[seq - 1]
        earlier = {other for other in range(1, seq) if key and self.keys[other - 1] == key}
        return seq in self.outstanding and earlier <= self.finished

    @precondition(lambda self: self.past)
    @rule(pick=picks)
    def ack_or_extend_a_delivery_of_the_past(self, pick):
        delivery = self.past[pick % len(self.past)]
        self.expire()
        self.engine.tick(self.now)
        self.forward()
        assert not self.engine.modify(delivery.seq, delivery.generation, 20, self.now)
        if self.exactly_once:
            assert not self.engine.ack(delivery.seq, delivery.generation)

    @rule(data=st.data())
    def seek(self, data):
        seqs = st.integers(0, len(self.keys))
        floor = data.draw(seqs, label="floor")
        acked = {seq for seq in data.draw(st.sets(seqs), label="acked") if seq > floor}
        self.past += [delivery for delivery, _ in self.outstanding.values()]
        self.engine.seek(floor, acked)
        self.outstanding.clear()
        self.held.clear()
        self.failed.clear()
        self.finished = set(range(1, floor + 1)) | acked | self.unwanted
        self.floor, self.acked_rows, self.failure_rows = floor, acked, {}

    @precondition(lambda self: self.outstanding)
    @rule(pick=picks)
    def nack(self, pick):
        delivery = self.picked(pick)
        self.expire()
        self.engine.modify(delivery.seq, delivery.generation, 0, self.now)
        if delivery.seq in self.outstanding:
            self.fail(delivery.seq)
        self.forward()

    @precondition(lambda self: self.outstanding)
    @rule(pick=picks, seconds=st.integers(1, 30))
    def extend(self, pick, seconds):
        delivery = self.picked(pick)
        self.expire()
        self.engine.modify(delivery.seq, delivery.generation, seconds, self.now)
        self.forward()
        if delivery.seq in self.outstanding:
            self.outstanding[delivery.seq] = (delivery, self.now + seconds)

    @rule(seconds=st.sampled_from([0.5, 1, 3, 10, 30]))
    def pass_time(self, seconds):
        self.now += seconds

    @rule()
    def restart(self):
        if hasattr(self, "engine"):
            self.engine.tick(self.now)
            self.expire()
            self.forward()
            self.persist()
        self.past += [delivery for delivery, _ in self.outstanding.values()]
        self.outstanding.clear()
        self.held.clear()
        self.runs += 1
        self.engine = Engine(
            self.policy,
            floor=self.floor,
            acked=self.acked_rows,
            failures=self.failure_rows,
            log=TextLog(
                self.keys,
                ordered=self.ordered,
                unwanted=self.unwanted.__contains__ if self.filtered else None,
            ),
            generation=self.runs * 10**6,
        )
        self.engine.publish(len(self.keys))

    @invariant()
    def nothing_is_lost_or_invented(self):
        if hasattr(self, "engine"):
            assert self.engine.unacked() == len(self.keys) - len(self.finished)

    def teardown(self):
        if not hasattr(self, "engine"):
            return
        for _ in range(20 * len(self.keys) + 20):
            self.now += 1000
            self.take(5, None, 0)
            for seq in sorted(self.outstanding):
                if seq in self.outstanding:
                    self.ack(sorted(self.outstanding).index(seq))
        assert self.finished == set(range(1, len(self.keys) + 1))
        self.persist()
        assert self.floor == len(self.keys)

    # The model

    def picked(self, pick):
        seq = sorted(self.outstanding)[pick % len(self.outstanding)]
        return self.outstanding[seq][0]

    def expire(self):
        """Fail what is past its deadline, the earliest first, as the engine's clock would."""
        while due := [(at, seq) for seq, (_, at) in self.outstanding.items() if at <= self.now]:
            self.fail(min(due)[1])

    def fail(self, seq):
        self.past.append(self.outstanding.pop(seq)[0])
        self.failed[seq] += 1
        key = self.keys[seq - 1]
        for later in range(seq + 1, len(self.keys) + 1):
            if key and self.keys[later - 1] == key:
                self.outstanding.pop(later, None)
                self.held.discard(later)

    def forward(self):
        exhausted, self.engine.exhausted = self.engine.exhausted, []
        for seq, deliveries in exhausted:
            assert deliveries == self.policy.max_attempts
            self.engine.forwarded(seq)
            self.finished.add(seq)
        self.settle()

    def settle(self):
        """Learn which ordered acks have become final: the engine says it in what it persists."""
        self.persist()
        final = self.acked_rows | set(range(1, self.floor + 1))
        self.finished |= final
        for seq in final:
            self.outstanding.pop(seq, None)
        self.held -= final

    def persist(self):
        changes = self.engine.changes()
        assert changes.floor >= self.floor
        self.floor = changes.floor
        self.acked_rows = {seq for seq in self.acked_rows if seq > self.floor} | set(changes.acked)
        self.failure_rows |= changes.failures


Deliveries.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, database=None
)
test_any_history = Deliveries.TestCase
