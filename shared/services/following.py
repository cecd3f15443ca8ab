"""Check the tasks that shall follow another, and give them their ids."""

from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

from shared.domain.errors import InvalidField, InvalidPayload
from shared.domain.follow_up import MAX_FOLLOW_UPS, NAMES, FollowUp, FollowUps
from shared.domain.requests import EnqueueRequest, FollowUpRequest, GroupRequest
from shared.domain.task_type import TaskType

Followed = EnqueueRequest | FollowUpRequest | GroupRequest


class FollowUpChecker:
    """Checks against the task types in `catalogue`."""

    def __init__(self, catalogue: Mapping[str, TaskType], new_id: Callable[[], UUID]) -> None:
        self._catalogue = catalogue
        self._new_id = new_id

    def problems(self, request: Followed) -> list[InvalidField]:
        """What is wrong with what follows `request`, all of it.

        A payload whose `result_as` field is still to come is checked without that field; the
        follow-up's own function checks it whole.
        """
        if request.then is None and request.on_failure is None:
            return []
        found = list(_followers(request, ""))
        if len(found) > MAX_FOLLOW_UPS:
            said = f"{len(found)} tasks follow; at most {MAX_FOLLOW_UPS} may"
            return [InvalidField(found[0][0], said)]
        return [problem for path, one in found for problem in self._of_one(path, one)]

    def made(self, request: Followed) -> FollowUps | None:
        """What follows `request`, which has no problems; None when nothing does."""
        if request.then is None and request.on_failure is None:
            return None
        then, on_failure = request.then, request.on_failure
        return FollowUps(
            self._made(then) if then else None, self._made(on_failure) if on_failure else None
        )

    def _made(self, one: FollowUpRequest) -> FollowUp:
        return FollowUp(
            id=self._new_id(),
            task_type=one.task_type,
            payload=one.payload,
            labels=one.labels,
            concurrency_key=one.concurrency_key,
            delay_seconds=one.delay_seconds,
            expires_in_seconds=one.expires_in_seconds,
            result_as=one.result_as,
            after=self.made(one),
        )

    def _of_one(self, path: str, one: FollowUpRequest) -> Iterator[InvalidField]:
        if one.task_type not in self._catalogue:
            known = ", ".join(sorted(self._catalogue))
            said = f'unknown task type "{one.task_type}"; there are: {known}'
            yield InvalidField(f"{path}.task_type", said)
            return
        fields = self._catalogue[one.task_type].payload_model.model_fields
        if one.result_as is not None and one.result_as not in fields:
            said = f'{one.task_type} has no field "{one.result_as}"; it has: {", ".join(fields)}'
            yield InvalidField(f"{path}.result_as", said)
            return
        if one.result_as is not None and one.result_as in one.payload:
            said = "result_as names this field too: leave it out of the payload"
            yield InvalidField(f"{path}.payload.{one.result_as}", said)
            return
        try:
            self._catalogue[one.task_type].check(one.payload)
        except InvalidPayload as refused:
            for problem in refused.fields:
                if not _is_to_come(problem.field, one.result_as):
                    yield InvalidField(f"{path}.{problem.field}", problem.problem)


def _is_to_come(field: str, result_as: str | None) -> bool:
    return result_as is not None and field == f"payload.{result_as}"


def _followers(request: Followed, path: str) -> Iterator[tuple[str, FollowUpRequest]]:
    for name in NAMES:
        one: FollowUpRequest | None = getattr(request, name)
        if one:
            here = f"{path}.{name}" if path else name
            yield here, one
            yield from _followers(one, here)
