"""The reliability lines: what is done to the system, and which tests show that it holds.

The table in README.md is written from here: `python -m tests.chaos.lines`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

README: Final = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- lines: begin -->\n", "<!-- lines: end -->\n"


@dataclass(frozen=True)
class Line:
    """One promise."""

    name: str
    fault: str
    promise: str
    tests: tuple[str, ...]
    """As pytest takes them: path::name, from the root."""
    loops: int
    """How often `make chaos LOOPS=200` runs each of the tests; `make test` runs each once."""


API = "tests/integration/functions/test_killed_api.py::"
FUNCTIONS = "tests/integration/functions/test_killed_functions.py::"
TROUBLE = "tests/integration/functions/test_runs_in_trouble.py::"
OUTAGES = "tests/chaos/test_outages.py::"
DISKS = "tests/chaos/test_full_disk.py::"
DESK = "tests/e2e/test_desk.py::"
FAULTS = "tests/e2e/test_faults.py::"

LINES: Final = (
    Line(
        "R1",
        "`kill -9` of the API between commit and publish",
        "the task is published within 5 s",
        (API + "test_a_task_of_an_api_that_dies_before_it_published_is_published_soon",),
        100,
    ),
    Line(
        "R2",
        "`kill -9` of the API before the commit",
        "no row; a repeat with the same key is one task",
        (
            API + "test_an_api_that_dies_before_the_commit_stored_nothing_and_a_repeat_does",
            API + "test_a_repeat_after_a_death_past_the_commit_finds_the_task",
        ),
        100,
    ),
    Line(
        "R3",
        "`kill -9` of a function in a task, and between its commit and the ack",
        "one outcome; a finished task is not run again",
        (
            FUNCTIONS + "test_a_function_that_dies_at_a_point_leaves_one_outcome",
            FUNCTIONS + "test_a_function_that_is_killed_inside_the_handler_leaves_one_outcome",
        ),
        200,
    ),
    Line(
        "R4",
        "`kill -9` of the emulator with a backlog of 1,000 (10,000 in `make chaos`)",
        "it serves within 2 s, and all of it is delivered",
        (FAULTS + "test_a_killed_emulator_delivers_everything_that_waited",),
        50,
    ),
    Line(
        "R5",
        "one fault after another under load",
        "three ledgers agree; all is quiet 60 s after the last fault",
        ("tests/chaos/test_storm.py::test_a_storm_breaks_no_promise",),
        1,
    ),
    Line(
        "R6",
        "a function frozen beyond its lease",
        "its late result is refused, the newer one stays",
        (TROUBLE + "test_a_frozen_run_that_comes_back_late_cannot_write_its_result",),
        50,
    ),
    Line(
        "R7",
        "a push delivered many times at once",
        "one run, the others acked",
        (TROUBLE + "test_a_message_that_is_delivered_many_times_at_once_runs_once",),
        50,
    ),
    Line(
        "R8",
        "a connection cut after the handler's commit",
        "the redelivery is acked without a run",
        (TROUBLE + "test_a_delivery_whose_ack_was_lost_is_acked_without_a_run",),
        50,
    ),
    Line(
        "R9",
        "a handler that always raises",
        "exactly `max_attempts` runs, growing gaps, one dead letter, a redrive that works",
        (
            "tests/e2e/test_failures.py::"
            "test_an_always_failing_task_runs_its_attempts_with_growing_gaps_and_dies_once",
            DESK + "test_a_task_that_died_is_one_dead_letter_and_works_after_its_redrive",
        ),
        5,
    ),
    Line(
        "R10",
        "no permission to publish dead letters",
        "nothing lost: the row has its reason, the copy waits until it may go; alert, doctor",
        (
            "tests/unit/edges/test_relay_function.py::"
            "test_dead_letters_that_cannot_be_published_are_an_error_in_the_log",
            "tests/integration/pubsub/test_iam.py::test_dead_letters_wait_for_both_grants",
            DESK + "test_a_dead_letter_that_may_not_be_published_waits_and_its_row_has_the_reason",
            "tests/integration/infra/test_planted_mistakes.py::"
            "test_missing_grants_unheard_dead_letters_and_a_dev_that_stays_are_found",
        ),
        5,
    ),
    Line(
        "R11",
        "Postgres stopped as by a crash (30 s in `make chaos`)",
        "503 with Retry-After within 2 s, no 202, work soon after its return",
        (
            OUTAGES + "test_a_postgres_that_crashed_is_503_at_once_and_work_goes_on_after_it",
            FAULTS + "test_postgres_away_for_twenty_seconds_loses_nothing",
        ),
        20,
    ),
    Line(
        "R12",
        "Postgres frozen: a black hole (60 s in `make chaos`)",
        "the same; threads bounded, memory at most 1.5 times",
        (OUTAGES + "test_a_frozen_postgres_is_503_in_time_and_piles_nothing_up",),
        5,
    ),
    Line(
        "R13",
        "Redis frozen, killed, flushed, full",
        "no task lost, limits hold again, enqueue's p99 at most twice as long",
        (
            FAULTS + "test_enqueue_is_hardly_slower_while_redis_is_away",
            DESK + "test_a_lost_redis_loses_no_task_and_limits_hold_again",
            FAULTS + "test_a_frozen_redis_stops_neither_enqueue_nor_processing",
        ),
        5,
    ),
    Line(
        "R14",
        "the disk of Postgres' data, of its log, of the emulator is full (a small tmpfs; where "
        "none can be mounted, Postgres says so)",
        "503, no 202 without a row, works again by itself once there is room; the emulator "
        "confirms no publish and loses none",
        (
            DISKS + "test_a_full_disk_of_postgres_is_503_and_work_goes_on_without_help",
            DISKS + "test_a_full_disk_of_the_emulator_loses_nothing_and_work_goes_on_without_help",
            OUTAGES + "test_a_full_disk_is_503_and_work_goes_on_without_help",
            "tests/unit/pubsub/test_store.py::"
            "test_a_failed_write_is_told_once_and_nothing_is_written_after_it",
        ),
        5,
    ),
    Line(
        "R15",
        "three publishes in ten fail, half of them after they were done",
        "0 lost, at most 1.5 publishes a task",
        (
            OUTAGES
            + "test_three_publishes_in_ten_that_fail_lose_nothing_and_cost_half_a_publish_more",
        ),
        10,
    ),
    Line(
        "R16",
        "a process whose clock is five minutes wrong",
        "the database's clock decides leases and schedules; a token is refused past 60 s",
        (
            "tests/unit/edges/test_push_token.py::"
            "test_a_signed_token_with_a_wrong_claim_is_refused",
            "tests/unit/edges/test_push_token.py::test_a_good_token_is_accepted",
            "tests/integration/ledger/test_clocks.py::"
            "test_leases_delays_and_schedules_follow_the_database_s_clock",
        ),
        5,
    ),
    Line(
        "R17",
        "a handler of 700 s",
        "refused for a short type; a long one keeps its lease and has no second run",
        (
            "tests/unit/domain/test_values.py::test_a_limit_of_700_s_is_refused_with_the_way_out",
            "tests/unit/services/test_run.py::"
            "test_a_long_run_of_700_s_is_renewed_and_has_no_second_run",
            TROUBLE + "test_a_long_run_is_acked_at_once_and_a_stop_waits_for_it",
        ),
        5,
    ),
    Line(
        "R18",
        "a backlog of 8,000 (100,000 in `make chaos`) after one of 1,000",
        "memory of emulator, API and function at most 1.2 times, the emulator's 150 MB; it runs",
        (OUTAGES + "test_a_backlog_takes_disk_and_no_memory",),
        1,
    ),
    Line(
        "R19",
        "an ordering key whose tasks always fail",
        "other keys keep 95 % of their rate",
        (DESK + "test_a_poison_ordering_key_keeps_no_other_key_waiting",),
        5,
    ),
    Line(
        "R20",
        "oversized, malformed, deep, non-UTF-8 requests and pushes",
        "4xx, never 5xx, never stuck",
        (
            "tests/unit/rest/test_anything.py::test_any_bytes",
            "tests/unit/rest/test_every_body.py::test_no_json_makes_a_route_fail",
            "tests/unit/rest/test_every_body.py::test_what_is_no_json_of_ours_is_400_with_a_reason",
            "tests/unit/rest/test_bad_input.py::"
            "test_a_body_that_is_no_task_is_refused_with_a_reason",
            "tests/integration/grpc/test_hostile.py::test_no_bytes_make_a_method_fail_by_itself",
            "tests/unit/edges/test_delivery.py::test_no_bytes_break_the_decoder",
        ),
        5,
    ),
    Line(
        "R21",
        "SIGTERM under load",
        "no accepted request fails, the process ends within 10 s",
        (TROUBLE + "test_a_process_that_is_stopped_under_load_loses_nothing_and_ends_in_time",),
        100,
    ),
    Line(
        "R22",
        "seeded storms in virtual time: `make simulate SEEDS=10000`",
        "no history breaks a promise",
        (
            "tests/simulation/test_simulation.py::test_no_storm_breaks_a_promise",
            "tests/simulation/test_simulation.py::test_a_planted_defect_is_found",
        ),
        1,
    ),
    Line(
        "R23",
        "the emulator beside Google's",
        "one contract suite, the same outcomes",
        (
            "tests/contract/pubsub/test_coverage.py::test_all_38_rpcs_are_there_and_no_other",
            "tests/contract/pubsub/test_messages.py::"
            "test_a_published_message_arrives_with_its_data_attributes_id_and_time",
            "tests/contract/pubsub/test_dead_letters.py::"
            "test_after_the_last_attempt_the_message_is_on_the_dead_letter_topic_alone",
        ),
        1,
    ),
    Line(
        "R24",
        "a low load for long: `make soak MINUTES=60`",
        "memory, open files and threads stay flat",
        (OUTAGES + "test_a_low_load_leaves_files_threads_and_memory_flat",),
        1,
    ),
)


def table() -> str:
    """The lines as a table of Markdown."""
    rows = "".join(
        f"| {line.name} | {line.fault} | {line.promise} | "
        f"{'<br>'.join(f'`{test}`' for test in line.tests)} | 1 / {line.loops} |\n"
        for line in LINES
    )
    head = "| line | what happens | what holds | tests | runs in `make test` / `make chaos` |\n"
    return head + "| --- | --- | --- | --- | --- |\n" + rows


def main() -> None:
    """Write the table into the README."""
    before, rest = README.read_text().split(BEGIN)
    README.write_text(before + BEGIN + table() + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
