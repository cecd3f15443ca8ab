"""Several processes of one function behind one address."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psutil
import pytest

from tests.integration.stack.conftest import Run, eventually, get, made_checkout
from tests.integration.stack.test_recovery import back, kill
from tests.integration.stack.test_running import STOP_SECONDS

BUSY = '''
import asyncio, os

running = most = 0

async def noop(request):
    """Answer who, how many requests run besides, and the most that this process had at once."""
    global running, most
    running, most = running + 1, max(most, running + 1)
    await asyncio.sleep(float(request.query_params.get("sleep", 0)))
    running -= 1
    return {"pid": os.getpid(), "others": running, "most": most}
'''


def write_busy(root, concurrency: int) -> None:
    (root / "functions" / "noop" / "main.py").write_text(BUSY)
    (root / "functions" / "noop" / "task.yaml").write_text(f"concurrency: {concurrency}\n")


@pytest.fixture(scope="module")
def two() -> Iterator[Run]:
    """Two processes of noop, each with room for one request."""
    with made_checkout() as root:
        write_busy(root, 1)
        run = Run(root, "--scale", "noop=2")
        try:
            yield run.ready()
        finally:
            run.end()


def at_once(url: str, count: int) -> list[dict]:
    """What so many requests that come together are answered."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda _: get(f"{url}?sleep=0.5"), range(count)))


def pids(run: Run) -> dict[str, int]:
    return {name: pid for name, pid in run.state["pids"].items() if name.startswith("noop")}


@contextlib.contextmanager
def asked(run: Run, seconds: float) -> Iterator[Future]:
    """A request of that length runs at one of the processes; its answer, if there will be one."""
    with ThreadPoolExecutor(1) as threads:
        url = run.state["functions"]["noop"]
        answer = threads.submit(get, f"{url}?sleep={seconds}")
        own = run.state["processes"].values()
        eventually(lambda: sum(get(one)["others"] for one in own) == 1)
        yield answer
        answer.exception()  # has ended, either way


def test_each_process_is_listed_with_an_address_of_its_own(two):
    state = two.state

    assert set(pids(two)) == set(state["processes"]) == {"noop-1", "noop-2"}
    for name, url in state["processes"].items():
        assert get(url)["pid"] == state["pids"][name]
    assert "2 processes" in two.text()


def test_who_is_full_leaves_the_next_request_to_the_other(two):
    answers = at_once(two.state["functions"]["noop"], 2)

    assert {answer["pid"] for answer in answers} == set(pids(two).values())


def test_more_requests_than_there_is_room_for_wait_for_their_turn(two):
    answers = at_once(two.state["functions"]["noop"], 7)

    assert {answer["pid"] for answer in answers} == set(pids(two).values())
    assert {answer["most"] for answer in answers} == {1}


def test_a_full_process_still_answers_for_itself(two):
    with asked(two, seconds=20):
        for name, url in two.state["processes"].items():
            assert get(url)["pid"] == two.state["pids"][name]
        for name in ("noop-1", "noop-2"):  # whichever has it: nobody waits the 20 s
            back(two, name, kill(two, name))


def test_the_other_goes_on_when_one_is_killed(two):
    before = pids(two)
    killed = kill(two, "noop-1")

    url = two.state["functions"]["noop"]
    assert killed not in {get(url)["pid"] for _ in range(20)}

    back(two, "noop-1", killed)
    assert pids(two)["noop-2"] == before["noop-2"]
    assert "noop-1 ended (signal SIGKILL); starting it again" in two.text()
    assert {answer["pid"] for answer in at_once(url, 2)} == set(pids(two).values())


def test_an_edit_reloads_every_process_and_lets_running_requests_end(start, checkout):
    write_busy(checkout, 1)
    run = start("--scale=noop=2").ready()
    url, before = run.state["functions"]["noop"], pids(run)
    with asked(run, seconds=3) as slow:
        (checkout / "functions" / "noop" / "task.yaml").write_text("concurrency: 3\n")
        eventually(lambda: not set(pids(run).values()) & set(before.values()))
        assert slow.result()["pid"] in before.values()

    eventually(lambda: 3 in {answer["most"] for answer in at_once(url, 12)})
    assert max(answer["most"] for answer in at_once(url, 12)) == 3


def test_a_deleted_function_takes_all_its_processes_along(start, checkout):
    run = start("--scale=noop=2").ready()
    before = pids(run)

    shutil.rmtree(checkout / "functions" / "noop")

    eventually(lambda: not pids(run) and not any(map(psutil.pid_exists, before.values())))
    assert run.state["processes"] == {}


def test_ctrl_c_ends_every_process_in_time(start, checkout):
    write_busy(checkout, 1)
    run = start("--scale=noop=3").ready()
    processes = run.pids()

    with asked(run, seconds=30):
        assert run.end(signal.SIGINT) < STOP_SECONDS

    assert not [pid for pid in processes if psutil.pid_exists(pid)]


@pytest.mark.parametrize("wrong", ["noop=0", "nosuch=2"])
def test_a_wrong_scale_is_a_usage_error_and_touches_nothing(start, checkout, wrong):
    kept = checkout / ".cloudtasker" / "pubsub" / "kept"
    kept.parent.mkdir(parents=True)
    kept.touch()

    run = start("--fresh", f"--scale={wrong}")

    assert run.process.wait(60) == 2
    assert f"CT112 --scale '{wrong}' cannot be used" in run.text()
    assert run.text().splitlines()[-1].startswith("Fix: ")
    assert kept.exists()
