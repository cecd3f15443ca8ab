"""Send the messages of a type's backlog again: for after a purge of its subscription."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.domain.errors import InvalidRequest, UnknownTaskType
from shared.domain.task_type import TaskType, problems_of
from shared.domain.upkeep import Swept, Upkeep

STEP: Final = 10_000


class RepublishRequest(BaseModel):
    """Which of a type's queued tasks to send again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    older_than_seconds: Annotated[
        float,
        Field(
            strict=True,
            ge=0,
            le=31_536_000,
            allow_inf_nan=False,
            description="Only tasks whose message was confirmed so long ago.",
        ),
    ]
    after: Annotated[
        UUID | None, Field(description="`next_after` of the step before; null: the first step.")
    ] = None


class RepublishService:
    """Republishes tasks of the types in `catalogue`; the relay sends them, spread over a minute."""

    def __init__(self, catalogue: Mapping[str, TaskType], upkeep: Upkeep) -> None:
        self._catalogue = catalogue
        self._upkeep = upkeep

    async def step(self, task_type: str, asked: Any, *, actor: str) -> Swept:
        """Walk 10,000 tasks of the type; `lost` of them are sent again, `last` is where to go on.

        A message that was not lost is then there twice, and the second is acked without a run.
        A step that sends something is audited under `actor`.
        Raises: UnknownTaskType, InvalidRequest.
        """
        if task_type not in self._catalogue:
            raise UnknownTaskType(task_type, sorted(self._catalogue))
        try:
            request = RepublishRequest.model_validate(asked)
        except ValidationError as refused:
            problems = problems_of(refused, prefix="")
            said = "; ".join(f"{p.field or 'body'}: {p.problem}" for p in problems)
            raise InvalidRequest(f"request rejected: {said}", problems) from None
        return await self._upkeep.republish(
            task_type, request.older_than_seconds, actor=actor, after=request.after, limit=STEP
        )
