"""What must hold of every history, whatever went wrong. One function a promise.

Each yields a sentence for every violation; nothing else in the simulation judges.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from shared.domain.ledger_rules import LEASE_SECONDS
from shared.domain.task import FINAL, State, Task
from tests.simulation.history import Claimed, History, Run

Invariant = Callable[[History, Mapping[str, int]], Iterator[str]]
"""Takes the history, and how many attempts a task of each type has."""

MOVES: Final = {
    (None, State.QUEUED),
    (None, State.SCHEDULED),
    (State.SCHEDULED, State.QUEUED),
    (State.SCHEDULED, State.RUNNING),
    (State.SCHEDULED, State.CANCELLED),
    (State.SCHEDULED, State.EXPIRED),
    (State.QUEUED, State.RUNNING),
    (State.QUEUED, State.SCHEDULED),
    (State.QUEUED, State.DEAD),
    (State.QUEUED, State.CANCELLED),
    (State.QUEUED, State.EXPIRED),
    (State.RUNNING, State.SUCCEEDED),
    (State.RUNNING, State.RETRYING),
    (State.RUNNING, State.SCHEDULED),
    (State.RUNNING, State.QUEUED),
    (State.RUNNING, State.DEAD),
    (State.RUNNING, State.CANCELLED),
    (State.RUNNING, State.EXPIRED),
    (State.RETRYING, State.RUNNING),
    (State.RETRYING, State.QUEUED),
    (State.RETRYING, State.SCHEDULED),
    (State.RETRYING, State.DEAD),
    (State.RETRYING, State.CANCELLED),
    (State.RETRYING, State.EXPIRED),
    (State.DEAD, State.QUEUED),
}
"""The arrows of the state diagram.

From queued to dead: Pub/Sub gave up before any run. From running to expired: the run was abandoned,
and the time for another is over.
"""


def no_code_fails(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """Nothing but what ports are allowed to raise escapes from a service."""
    yield from history.defects[:3]


def nothing_accepted_is_lost(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """Whoever was told an id has a row under it."""
    for told in history.told:
        if told.task_id not in history.rows:
            yield f"{told.task_id} was accepted and has no row"


def everything_ends(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """Once the faults have stopped, every row becomes final, and no message goes round for ever."""
    for row in history.rows.values():
        if row.state not in FINAL:
            yield f"{row.id} is still {row.state} (attempt {row.attempt}, due {row.due_at})"
    if history.outstanding:
        yield f"{history.outstanding} messages are still on their way"


def a_success_is_a_run_that_returned(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """The recorded result is what a handler returned for this very task and generation."""
    returned = {(run.task_id, run.generation, run.returned) for run in history.runs}
    for row in history.rows.values():
        result = row.result if row.state is State.SUCCEEDED else None
        if result is not None and (row.id, row.generation, result) not in returned:
            yield f"{row.id} has the result {result!r}, which no run of it returned"
        if row.state is State.SUCCEEDED and result is None:
            yield f"{row.id} succeeded without a result"


def one_outcome_is_recorded(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """A generation ends once: its row never leaves a final state but by a redrive."""
    ends = Counter((m.task_id, m.generation) for m in history.moves if m.after in FINAL)
    for (task_id, generation), count in ends.items():
        if count > 1:
            yield f"{task_id} ended {count} times in generation {generation}"


def rows_move_along_the_diagram(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """No state is reached from one that it cannot be reached from."""
    for move in history.moves:
        if (move.before, move.after) not in MOVES:
            yield f"{move.task_id} went from {move.before} to {move.after}"


def generations_only_grow_by_redrives(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """A redrive adds one generation and begins to count anew; nothing else changes it."""
    known: dict[object, int] = defaultdict(int)
    for move in history.moves:
        redriven = (move.before, move.after) == (State.DEAD, State.QUEUED)
        wanted = known[move.task_id] + (1 if redriven else 0)
        if move.generation != wanted:
            yield f"{move.task_id} is in generation {move.generation} instead of {wanted}"
        if redriven and move.attempt:
            yield f"{move.task_id} was redriven with {move.attempt} attempts spent"
        known[move.task_id] = move.generation


def no_attempt_is_too_many(history: History, attempts: Mapping[str, int]) -> Iterator[str]:
    """A handler begins each numbered attempt at most as often as it was given back at no cost."""
    for row in history.rows.values():
        if row.attempt > attempts[row.task_type]:
            yield f"{row.id} is at attempt {row.attempt} of {attempts[row.task_type]}"
    for run in history.runs:
        most = attempts[history.rows[run.task_id].task_type]
        if run.attempt > most:
            yield f"{run.task_id} ran as attempt {run.attempt} of {most}"


def every_run_has_a_token_of_its_own(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """No two runs ever hold one fencing token."""
    runs = Counter((run.task_id, run.token) for run in history.runs)
    for (task_id, token), count in runs.items():
        if count > 1:
            yield f"{task_id} ran {count} times with token {token}"


def a_lease_is_exclusive(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """Nobody gets a task while another's lease lives: its run has ended, or 30 s are over."""
    last: dict[object, Claimed] = {}
    for claim in history.claims:
        before = last.get(claim.task_id)
        last[claim.task_id] = claim
        if before is None or claim.at - before.at >= timedelta(seconds=LEASE_SECONDS):
            continue
        between = history.moves[before.moves_before : claim.moves_before]
        if not any(m.task_id == claim.task_id and m.before is State.RUNNING for m in between):
            yield f"{claim.task_id} was claimed at {claim.at}, while a lease of {before.at} lived"


def the_latest_run_decides(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """A run that lost its lease to a later one never has its result recorded."""
    latest: dict[object, Run] = {}
    for run in sorted(history.runs, key=lambda run: run.token):
        latest[run.task_id, run.generation] = run
    for row in history.rows.values():
        last = latest.get((row.id, row.generation))
        if row.state is State.SUCCEEDED and last and row.result != last.returned:
            yield f"{row.id} has the result {row.result!r} of an earlier run than its last"


def nothing_begins_before_its_time(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """A task that was to start later is not claimed earlier."""
    for claim in history.claims:
        if (wait := history.delays.get(claim.task_id)) is not None:
            first = history.born[claim.task_id] + timedelta(seconds=wait)
            if claim.at < first:
                yield f"{claim.task_id} was claimed at {claim.at}, before {first}"


def nothing_begins_after_its_time(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """A task whose time is over is not claimed any more, unless it was redriven."""
    for claim in history.claims:
        row = history.rows[claim.task_id]
        if row.expires_at is not None and claim.at > row.expires_at:
            yield f"{claim.task_id} was claimed at {claim.at}, after its end {row.expires_at}"


def a_paused_type_begins_nothing(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """Between the answers to a pause and to its resume no task of the type is claimed."""
    for task_type, since, until in history.pauses:
        for claim in history.claims:
            paused = history.rows[claim.task_id].task_type == task_type
            if paused and since <= claim.at < until:
                yield f"{claim.task_id} was claimed at {claim.at}, while {task_type} was paused"


def what_is_paid_is_not_paid_again(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """Once a run was told that its effect is recorded, no later run of the task repeats it."""
    for run, told in history.payments:
        if any(other.task_id == run.task_id for other, _ in history.paid[:told]):
            yield f"{run.task_id} paid again with token {run.token}, after it was told not to"


def one_key_makes_one_task(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """All who brought one idempotency key were told one id, and one row has the key."""
    ids: dict[str, set[object]] = defaultdict(set)
    for told in history.told:
        if told.key:
            ids[told.key].add(told.task_id)
    for row in history.rows.values():
        if row.idempotency_key:
            ids[row.idempotency_key].add(row.id)
    for key, found in ids.items():
        if len(found) > 1:
            yield f"key {key} stands for {len(found)} tasks"


def every_dead_generation_has_a_dead_letter(
    history: History, _: Mapping[str, int]
) -> Iterator[str]:
    """What was given up on is on the dead-letter topic, for a person or a program to find."""
    lying = {(m.attributes["task_id"], m.attributes["generation"]) for m in history.dead_letters}
    for move in history.moves:
        if move.after is State.DEAD and (str(move.task_id), str(move.generation)) not in lying:
            yield f"{move.task_id} died in generation {move.generation} without a dead letter"


def a_task_is_given_up_for_a_reason(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """A dead row says why."""
    for row in history.rows.values():
        if row.state is State.DEAD and not (row.error and row.error.get("message")):
            yield f"{row.id} is dead and does not say why"


def attempts_are_written_down(history: History, _: Mapping[str, int]) -> Iterator[str]:
    """The row of a finished task lists an attempt for its recorded result."""
    for row in history.rows.values():
        if row.state is State.SUCCEEDED and not _has_success(row):
            yield f"{row.id} succeeded and has no attempt that did"


def _has_success(row: Task) -> bool:
    return any(
        one.outcome == "succeeded" and one.generation == row.generation for one in row.attempts
    )


INVARIANTS: Final[tuple[Invariant, ...]] = (
    no_code_fails,
    nothing_accepted_is_lost,
    everything_ends,
    a_success_is_a_run_that_returned,
    one_outcome_is_recorded,
    rows_move_along_the_diagram,
    generations_only_grow_by_redrives,
    no_attempt_is_too_many,
    every_run_has_a_token_of_its_own,
    a_lease_is_exclusive,
    the_latest_run_decides,
    nothing_begins_before_its_time,
    nothing_begins_after_its_time,
    a_paused_type_begins_nothing,
    what_is_paid_is_not_paid_again,
    one_key_makes_one_task,
    every_dead_generation_has_a_dead_letter,
    a_task_is_given_up_for_a_reason,
    attempts_are_written_down,
)


def violations(history: History, attempts: Mapping[str, int]) -> list[str]:
    """Every broken promise of `history`, each with the invariant's name before it."""
    return [
        f"{invariant.__name__}: {said}"
        for invariant in INVARIANTS
        for said in invariant(history, attempts)
    ]
