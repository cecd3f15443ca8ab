"""Publish tasks whose rows say that they are due. What is not confirmed stays due: the relay's."""

from collections.abc import Mapping, Sequence

from shared.domain.envelope import message_of
from shared.domain.ports import Ledger, Publisher
from shared.domain.task import Outgoing
from shared.domain.task_type import TaskType


async def publish(
    tasks: Sequence[Outgoing],
    catalogue: Mapping[str, TaskType],
    ledger: Ledger,
    publisher: Publisher,
) -> int:
    """Publish the tasks of known types and mark what Pub/Sub confirmed; how many that were.

    Raises: LedgerUnavailable when they are published and could not be marked: they come twice.
    """
    known = [task for task in tasks if task.task_type in catalogue]
    if not known:
        return 0
    messages = [message_of(task, catalogue[task.task_type].topic) for task in known]
    sure = await publisher.publish(messages)
    confirmed = [task for task, ok in zip(known, sure, strict=True) if ok]
    if confirmed:
        await ledger.mark_published(confirmed)
    return len(confirmed)
