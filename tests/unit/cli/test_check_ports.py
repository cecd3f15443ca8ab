"""`cloudtasker doctor`: who holds each port, by sockets that really listen."""

import os
import socket
from contextlib import closing

import psutil
import pytest

from shared.cli.check_ports import CannotSee, Owner, listeners, ports
from shared.cli.stack_state import StackState

NOBODY_S_PID = 2**22 + 1
"""Above the greatest that Linux gives."""


@pytest.fixture
def held():
    """A port that this process listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def stack(port: int, pid: int, **more) -> StackState:
    """A stack of which only the REST API has an address."""
    empty = dict.fromkeys(("grpc", "pubsub", "pubsub_http", "mail", "postgres", "redis"), "")
    addresses = {**empty, "rest": f"http://127.0.0.1:{port}", **more}
    return StackState(**addresses, push_service_account="", functions={}, pids={"stack": pid})


def test_a_port_of_the_stack_is_told_with_its_program_and_pid(held):
    [check] = ports(stack(held, os.getpid()))
    assert (check.name, check.verdict) == (f"port {held}", "ok")
    assert f"(pid {os.getpid()})" in check.found
    assert psutil.Process().name() in check.found


def test_a_port_of_the_stack_that_a_stranger_holds_fails_with_the_stranger(held):
    [check] = ports(stack(held, NOBODY_S_PID))
    assert (check.verdict, bool(check.fix)) == ("fail", True)
    assert f"(pid {os.getpid()})" in check.found


def test_a_child_of_the_stack_may_hold_its_port(held):
    parent = os.getppid()
    assert [one.verdict for one in ports(stack(held, parent))] == ["ok"]


def test_a_port_of_the_stack_that_nobody_holds_fails():
    [check] = ports(stack(1, os.getpid()), dict)
    assert (check.verdict, check.found) == ("fail", "nobody listens for rest")


def test_without_a_stack_a_default_port_that_is_taken_is_a_warning_with_its_owner(held):
    taken, free = ports(None, defaults={"rest": held, "mail": 1})
    assert (taken.verdict, free.verdict) == ("warn", "ok")
    assert f"(pid {os.getpid()})" in taken.found
    assert free.found == "free, for mail"


def test_a_program_that_may_not_be_seen_is_said_to_be_one():
    state = stack(5000, os.getpid())
    [check] = ports(state, lambda: {5000: Owner()})
    assert check.verdict == "warn"
    assert "only its own user and root may see" in check.found
    [check] = [one for one in ports(None, lambda: {5000: Owner()}) if one.name == "port 5000"]
    assert (check.verdict, "may see" in check.found) == ("warn", True)


def test_a_system_that_tells_nobody_is_a_warning_with_what_helps():
    def blind():
        raise CannotSee("this system tells it to root only", "sudo cloudtasker doctor")

    [check] = ports(None, blind)
    assert (check.verdict, check.fix) == ("warn", "sudo cloudtasker doctor")


def test_a_server_elsewhere_has_a_port_of_its_own(held):
    state = stack(held, os.getpid(), postgres="postgresql://u@db.example.com:5432/x")
    assert len(ports(state)) == 1
    mine = stack(held, os.getpid(), redis="redis://127.0.0.1:1/0")
    assert [one.name for one in ports(mine)] == [f"port {held}"]


def test_listeners_name_this_process(held):
    owner = listeners()[held]
    assert owner.pid == os.getpid()
    assert os.getppid() in owner.family
