"""The topics and subscriptions of the task types, as plain data. Pure; DESIGN section 6 decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emulators.stack.task_types import TaskType

_DAY_SECONDS = 86_400
_DEAD_TOPIC_RETENTION_SECONDS = 31 * _DAY_SECONDS
_SUBSCRIPTION_RETENTION_SECONDS = 7 * _DAY_SECONDS
_DEAD_ACK_DEADLINE_SECONDS = 60
_DEAD_RETRY_SECONDS = (10, 600)
DEAD_LETTER_FUNCTION = "dead_letter"


@dataclass(frozen=True)
class Topic:
    """A topic by its short name. `retention_seconds` 0: it keeps nothing for itself."""

    name: str
    retention_seconds: int = 0


@dataclass(frozen=True)
class Subscription:
    """A subscription by short names; it never expires.

    `push_endpoint` is empty for pull; the token's audience is the endpoint, and without a
    `service_account` no token is sent.
    """

    name: str
    topic: str
    ack_deadline_seconds: int
    push_endpoint: str = ""
    service_account: str = ""
    retry_seconds: tuple[float, float] | None = None
    dead_letter_topic: str = ""
    max_delivery_attempts: int = 0
    ordering: bool = False
    retention_seconds: int = _SUBSCRIPTION_RETENTION_SECONDS


@dataclass(frozen=True)
class Topology:
    """Everything to provision in one project, each after what it needs."""

    project: str
    topics: Sequence[Topic]
    subscriptions: Sequence[Subscription]


def plan(
    project: str,
    task_types: Sequence[TaskType],
    function_urls: Mapping[str, str],
    service_account: str,
) -> Topology:
    """The five resources of each task type, pushing to the functions at `function_urls`."""
    topics: list[Topic] = []
    subscriptions: list[Subscription] = []
    for task_type in task_types:
        name = f"tasks-{task_type.cloud_name}"
        topics += [Topic(name), Topic(f"{name}-dead", _DEAD_TOPIC_RETENTION_SECONDS)]
        # The first delivery may already end as a dead letter, so somebody holds those by then.
        dead_letter = function_urls.get(DEAD_LETTER_FUNCTION, "")
        subscriptions += _dead(name, dead_letter, service_account)
        subscriptions.append(_work(name, task_type, function_urls[task_type.name], service_account))
    return Topology(project, topics, subscriptions)


def _work(name: str, task_type: TaskType, url: str, service_account: str) -> Subscription:
    return Subscription(
        f"{name}-push",
        name,
        task_type.ack_deadline_seconds,
        push_endpoint=url,
        service_account=service_account,
        retry_seconds=(task_type.retry_min_seconds, task_type.retry_max_seconds),
        dead_letter_topic=f"{name}-dead",
        max_delivery_attempts=task_type.max_attempts,
        ordering=task_type.ordering,
    )


def _dead(name: str, url: str, service_account: str) -> list[Subscription]:
    hold = Subscription(f"{name}-dead-hold", f"{name}-dead", _DEAD_ACK_DEADLINE_SECONDS)
    if not url:
        return [hold]
    push = Subscription(
        f"{name}-dead-push",
        f"{name}-dead",
        _DEAD_ACK_DEADLINE_SECONDS,
        push_endpoint=url,
        service_account=service_account,
        retry_seconds=_DEAD_RETRY_SECONDS,
    )
    return [hold, push]
