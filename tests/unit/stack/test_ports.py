import os
import socket

import pytest

from emulators.stack.errors import StackError
from emulators.stack.ports import Ports


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def notes():
    return []


@pytest.fixture
def ports(notes):
    ports = Ports(notes.append)
    yield ports
    ports.release_all()


def test_a_free_default_is_taken_without_a_word(ports, notes, taken):
    free = ports.pick("pub/sub", taken)
    ports.release_all()
    notes.clear()

    assert ports.pick("pub/sub", free) == free
    assert notes == []


def test_a_taken_default_moves_and_says_who_has_it(ports, notes, taken):
    port = ports.pick("the gateway", taken)

    assert port > taken
    [note] = notes
    assert note.startswith(f"note: {taken} is in use by ")
    assert f"(pid {os.getpid()}); the gateway is on {port} instead." in note


def test_a_port_that_was_asked_for_does_not_move(ports, taken):
    with pytest.raises(StackError) as caught:
        ports.pick("the gateway", 5000, asked=taken, flag="--grpc-port")

    text = str(caught.value)
    assert text.startswith(f"CT102 Port {taken} is in use by ")
    assert "You asked for it with --grpc-port, so it was not moved." in text
    assert text.splitlines()[-1] == (
        f"Fix: cloudtasker dev --grpc-port {taken + 1}, or stop that program."
    )


def test_a_picked_port_is_held_until_it_is_released(ports, taken):
    held = ports.pick("a server", taken)

    with pytest.raises(OSError, match="in use"), socket.create_server(("127.0.0.1", held)):
        pass
    ports.release(held)
    with socket.create_server(("127.0.0.1", held)):
        pass


def test_another_run_stays_away_from_a_port_whose_server_has_not_bound_it_yet(ports, taken):
    port = ports.pick("a server", taken)
    ports.release(port)
    other = Ports(print)

    assert other.pick("a server", port) != port

    other.release_all()


def test_a_default_below_the_ephemeral_range_stays_below_it(ports):
    with ports.listen_quietly(32767) as last:
        assert last.getsockname()[1] == 32767

        with pytest.raises(StackError, match="CT102 No port is free between 32767"):
            ports.listen_quietly(32767)
