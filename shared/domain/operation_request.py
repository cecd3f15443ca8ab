"""What a caller may ask for in bulk, as models: REST, gRPC and OpenAPI use these."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.domain.operation import MAX_IDS, MAX_PER_SECOND, OperationKind, Selection, concerned
from shared.domain.requests import LabelKey, LabelValue, Moment
from shared.domain.task import State
from shared.domain.task_type import NAME_PATTERN


class OperationFilter(BaseModel):
    """Which tasks: every condition that is set must hold, none is all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_type: Annotated[str | None, Field(pattern=NAME_PATTERN)] = None
    state: Annotated[State | None, Field(description="For a cancel; one that can change.")] = None
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=16)] = {}
    created_after: Moment | None = None
    created_before: Moment | None = None
    group: Annotated[
        str | None,
        Field(
            pattern="^[0-9a-f]{12}$",
            description="A group of like errors; only with task_type and until beside it.",
        ),
    ] = None
    task_ids: Annotated[
        list[UUID] | None,
        Field(min_length=1, max_length=MAX_IDS, description="Exactly these; nothing beside it."),
    ] = None
    until: Annotated[
        Moment | None,
        Field(
            description="Freezes the window where a dry run saw it: not what died (for a cancel: "
            "was stored) later."
        ),
    ] = None

    @model_validator(mode="after")
    def _conditions_fit_together(self) -> Self:
        given = self.model_fields_set
        if "task_ids" in given and given - {"task_ids"}:
            raise ValueError("task_ids stands alone: leave the other conditions out")
        if "group" in given and given - {"group", "task_type", "until"}:
            raise ValueError("group goes with task_type and until only")
        return self

    def selection(self) -> Selection:
        """The same as the services take it."""
        return Selection(
            task_type=self.task_type,
            state=self.state,
            labels=dict(self.labels),
            created_after=self.created_after,
            created_before=self.created_before,
            group=self.group,
            task_ids=None if self.task_ids is None else tuple(self.task_ids),
            until=self.until,
        )


class OperationRequest(BaseModel):
    """One bulk operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["redrive", "cancel", "discard"]
    filter: OperationFilter
    per_second: Annotated[
        float | None,
        Field(gt=0, le=MAX_PER_SECOND, description="Tasks a second at most; null: as fast as can."),
    ] = None
    dry_run: Annotated[bool, Field(description="Count, and change nothing.")] = False

    @model_validator(mode="after")
    def _filter_fits_the_kind(self) -> Self:
        kind, wanted = OperationKind(self.kind), self.filter
        if kind is OperationKind.CANCEL and wanted.group:
            raise ValueError("only dead tasks have groups, and a cancel concerns unfinished ones")
        if wanted.state and wanted.state not in concerned(kind):
            fitting = ", ".join(sorted(concerned(kind)))
            raise ValueError(f"a {kind} concerns no {wanted.state} tasks, but: {fitting}")
        return self
