"""Dead tasks for tests of what a person does with them."""

from uuid import UUID

from uuid_utils.compat import uuid7

from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, NewTask, State
from tests.support.memory_api import MemoryApi


async def add_task(memory: MemoryApi, task_type: str = "greet", **fields: object) -> UUID:
    """A queued task."""
    new = NewTask(uuid7(), task_type, {"name": "Ada"}, "", **fields)  # type: ignore[arg-type]
    await memory.ledger.add([new])
    return new.id


async def bury(memory: MemoryApi, task_id: UUID, message: str = "no", generation: int = 0) -> None:
    """Let an attempt of the task reject it."""
    claim = await memory.ledger.claim(task_id, generation, memory.api.catalogue["greet"])
    assert isinstance(claim, Claim)
    rejected = Settlement(State.DEAD, "rejected", Answer.ACK, failure=Failure("Wrong", message))
    await memory.ledger.finish(claim, rejected)


async def add_dead(memory: MemoryApi, message: str = "no", **fields: object) -> UUID:
    """A task that was rejected."""
    task_id = await add_task(memory, **fields)  # type: ignore[arg-type]
    await bury(memory, task_id, message)
    return task_id
