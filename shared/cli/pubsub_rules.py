"""What must hold of the topics and subscriptions that are there. Pure: topology in, checks out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.cli.checkup import SLACK_SECONDS, Check
from shared.cli.pubsub_look import Subscription, Topology
from shared.client import TaskTypeJson

UNHEARD: Final = "CT402"
"""A dead-letter topic that nobody hears."""
DELETED: Final = "_deleted-topic_"
_OURS: Final = "tasks-"
_DEAD: Final = "-dead"


@dataclass(frozen=True, slots=True)
class Fixes:
    """What to do about what is wrong: about a topic that nobody hears, and about all else."""

    unheard: str
    other: str


BY_STACK: Final = Fixes(
    unheard="cloudtasker doctor --fix", other="start the stack again: `cloudtasker dev`"
)
BY_TERRAFORM: Final = Fixes("terraform apply", "terraform apply")


def judged(found: Topology, types: Sequence[TaskTypeJson], fixes: Fixes) -> list[Check]:
    """Every rule on `found`, for the task types that the API tells of."""
    if not any(short(topic).startswith(_OURS) for topic in found.topics):
        return [_nothing(found, types)]
    wrong = [
        *_lost(found, fixes),
        *_unheard(found, fixes),
        *_detached(found, fixes),
        *(check for one in types for check in _of_type(found, one, fixes.other)),
    ]
    if wrong:
        return wrong
    dead, heard = len(dead_letter_topics(found)), len(found.subscriptions)
    said = f"{len(found.topics)} topics, {heard} subscriptions; each of {dead} dead-letter topics"
    return [Check("topics", "ok", f"{said} is heard")]


def of_gone_types(found: Topology, types: Sequence[TaskTypeJson]) -> frozenset[str]:
    """Short names of our push subscriptions whose task type the API does not know; none while it
    tells of no types at all."""
    known = {f"{_OURS}{one['name'].replace('_', '-')}-push" for one in types}
    ours = {
        short(one.name)
        for one in found.subscriptions
        if short(one.name).startswith(_OURS)
        and short(one.name).endswith("-push")
        and not _is_dead_letter(one.topic)
    }
    return frozenset(ours - known) if types else frozenset()


def dead_letter_topics(found: Topology) -> list[str]:
    """Those that a subscription names, and those of our naming."""
    named = {one.dead_letter_topic for one in found.subscriptions if one.dead_letter_topic}
    return sorted(named | {topic for topic in found.topics if _is_dead_letter(topic)})


def unheard(found: Topology) -> list[str]:
    """Dead-letter topics that are there and have no subscription."""
    heard = {one.topic for one in found.subscriptions}
    return [one for one in dead_letter_topics(found) if one in found.topics - heard]


def short(name: str) -> str:
    """`tasks-noop` of `projects/p/topics/tasks-noop`."""
    return name.rpartition("/")[2]


def _nothing(found: Topology, types: Sequence[TaskTypeJson]) -> Check:
    said = f"project {found.project} has none of our topics"
    fix = "set GOOGLE_CLOUD_PROJECT to the project that the tasks are published in"
    return Check("topics", "fail" if types else "warn", said, fix)


def _lost(found: Topology, fixes: Fixes) -> Iterator[Check]:
    """Dead-letter policies that lead nowhere."""
    for one in found.subscriptions:
        topic = one.dead_letter_topic
        if topic and topic not in found.topics:
            which = "was deleted" if topic == DELETED else f"{short(topic)} does not exist"
            said = f"{UNHEARD} The dead-letter topic of {short(one.name)} {which}"
            name = f"dead letters of {short(one.name)}"
            yield Check(name, "fail", f"{said}: dead letters would be lost.", fixes.other)


def _unheard(found: Topology, fixes: Fixes) -> Iterator[Check]:
    by_topic: dict[str, set[str]] = {}
    for one in found.subscriptions:
        by_topic.setdefault(one.topic, set()).add(short(one.name))
    for topic in dead_letter_topics(found):
        name = f"dead letters of {short(topic)}"
        heard = by_topic.get(topic, set())
        if topic in found.topics and not heard:
            said = f"{UNHEARD} Dead-letter topic {short(topic)} has no subscription"
            yield Check(name, "fail", f"{said}: dead letters would be lost.", fixes.unheard)
        elif topic in found.topics and _is_dead_letter(topic):
            yield from _half_heard(name, topic, heard, fixes.other)


def _half_heard(name: str, topic: str, heard: set[str], fix: str) -> Iterator[Check]:
    """Ours has two subscriptions: one that tells the ledger, and one that keeps the messages."""
    push, hold = f"{short(topic)}-push", f"{short(topic)}-hold"
    if push not in heard:
        said = f"there is no {push}: no dead letter is told to the function dead_letter"
        yield Check(name, "fail", said, fix)
    if hold not in heard:
        yield Check(name, "warn", f"there is no {hold}: the messages themselves are not kept", fix)


def _detached(found: Topology, fixes: Fixes) -> Iterator[Check]:
    """Making the topic anew does not attach them again."""
    for one in found.subscriptions:
        if one.topic == DELETED:
            said = "its topic was deleted: nothing comes any more"
            fix = f"delete this subscription and what it still has, then {fixes.other}"
            yield Check(f"subscription {short(one.name)}", "fail", said, fix)


def _of_type(found: Topology, one: TaskTypeJson, fix: str) -> Iterator[Check]:
    name, wanted = f"subscription of {one['name']}", f"{_OURS}{one['name'].replace('_', '-')}"
    pushes = [s for s in found.subscriptions if short(s.name) == f"{wanted}-push"]
    if f"projects/{found.project}/topics/{wanted}" not in found.topics:
        yield Check(name, "fail", f"there is no topic {wanted}: its tasks wait for ever", fix)
    elif not pushes:
        said = f"there is no {wanted}-push: its messages go nowhere"
        yield Check(name, "fail", said, fix)
    else:
        yield from _push_fits(name, pushes[0], one, fix)


def _push_fits(name: str, push: Subscription, one: TaskTypeJson, fix: str) -> Iterator[Check]:
    limits = one["limits"]
    least = limits["time_limit_seconds"] + SLACK_SECONDS
    if not push.push_endpoint:
        yield Check(name, "fail", f"{short(push.name)} pushes nowhere", fix)
    if not push.dead_letter_topic:
        yield Check(name, "fail", f"{short(push.name)} has no dead-letter topic", fix)
    if limits["mode"] == "short" and push.ack_deadline_seconds < least:
        said = (
            f"the ack deadline of {short(push.name)} is {push.ack_deadline_seconds} s, its task's "
            f"time limit + {SLACK_SECONDS} s is {least} s: it would run twice at once"
        )
        yield Check(name, "fail", said, fix)


def _is_dead_letter(topic: str) -> bool:
    return short(topic).startswith(_OURS) and short(topic).endswith(_DEAD)
