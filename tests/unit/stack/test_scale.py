import asyncio
import json

import pytest

from emulators.stack.errors import UsageError
from emulators.stack.instance import Instance
from emulators.stack.log_lines import parse
from emulators.stack.scale import process_names, read_scale

PORT = 8104


@pytest.fixture
def root(tmp_path):
    for name in ("noop", "send_email"):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "task.yaml").touch()
    return tmp_path


def test_flags_and_the_variable_say_how_many_and_a_flag_wins(root):
    variable = {"CLOUDTASKER_SCALE": "noop=2, send_email=3"}

    assert read_scale(["noop=16"], variable, root) == {"noop": 16, "send_email": 3}


def test_nothing_is_scaled_unless_asked_for(root):
    assert read_scale([], {}, root) == {}


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("noop", "it is no TYPE=N"),
        ("=2", "it is no TYPE=N"),
        ("noop=0", "'0' is no number of processes from 1 to 16"),
        ("noop=17", "'17' is no number of processes from 1 to 16"),
        ("noop=x", "'x' is no number of processes from 1 to 16"),
        ("noop=-1", "'-1' is no number of processes from 1 to 16"),
        ("noop=²", "'²' is no number of processes from 1 to 16"),
        ("noop=" + "9" * 5000, "is no number of processes from 1 to 16"),
        ("nosuch=2", "there is no task type 'nosuch' (there are: noop, send_email)"),
    ],
)
def test_a_wrong_scale_names_its_value_the_limit_and_the_fix(root, word, why):
    for flags, variable in (([word], {}), ([], {"CLOUDTASKER_SCALE": word})):
        with pytest.raises(UsageError, match="CT112") as caught:
            read_scale(flags, variable, root)

        assert why in str(caught.value)
        assert "--scale noop=2" in caught.value.fix


def test_each_process_has_a_name_that_no_task_type_can_have():
    assert process_names("noop", 2) == ["noop-1", "noop-2"]


def test_a_line_of_one_of_several_processes_says_which():
    line = json.dumps({"severity": "INFO", "message": "task succeeded"})

    assert json.loads(parse("noop-2", line).as_json())["process"] == "noop-2"
    assert parse("noop", line).as_json() == line


class Requests:
    """Requests at an instance that each run until they are let go."""

    def __init__(self, limit: int) -> None:
        self.running: list[int] = []
        self.answers: dict[int, list[dict]] = {}
        self.instance = Instance(self._app, limit, PORT)
        self._ends: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task] = {}

    async def _app(self, scope, receive, send) -> None:
        number = scope["client"][1]
        self.running.append(number)
        await self._ends[number].wait()
        self.running.remove(number)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def come(self, number: int, *, port: int = PORT, connects: bool = True) -> None:
        """A request on connection `number`, which is a new one unless told otherwise."""
        client = ("127.0.0.1", number)
        self._ends[number] = asyncio.Event()
        self.answers[number] = []

        async def send(message) -> None:
            self.answers[number].append(message)

        if connects:
            self.instance.opened(client)
        scope = {"type": "http", "server": ("127.0.0.1", port), "client": client}
        self.tasks[number] = asyncio.create_task(self.instance(scope, None, send))
        await asyncio.sleep(0)

    async def end(self, number: int) -> bool:
        """Let a request end; whether its connection is kept."""
        self._ends[number].set()
        await self.tasks[number]
        await asyncio.sleep(0)
        return (b"connection", b"close") not in self.answers[number][0]["headers"]


async def test_an_instance_has_room_for_its_limit_and_no_more():
    requests = Requests(2)
    await requests.come(1)
    assert requests.instance.has_room

    await requests.come(2)
    assert not requests.instance.has_room

    await requests.end(1)
    assert requests.instance.has_room
    await requests.end(2)


async def test_a_connection_whose_request_has_not_come_yet_holds_a_place():
    requests = Requests(1)
    requests.instance.opened(("127.0.0.1", 1))
    assert not requests.instance.has_room

    requests.instance.closed(("127.0.0.1", 1))
    assert requests.instance.has_room


async def test_a_request_on_a_kept_connection_waits_for_its_turn():
    requests = Requests(1)
    await requests.come(1)
    await requests.end(1)
    await requests.come(2)
    await requests.come(1, connects=False)
    assert requests.running == [2]

    await requests.end(2)
    assert requests.running == [1]
    await requests.end(1)


async def test_connections_are_kept_up_to_the_limit_so_that_none_waits_beside_an_idle_process():
    requests = Requests(1)
    await requests.come(1)
    assert await requests.end(1)

    await requests.come(2)
    assert not await requests.end(2)
    requests.instance.closed(("127.0.0.1", 2))

    await requests.come(1, connects=False)
    assert await requests.end(1)


async def test_a_question_to_the_process_itself_is_answered_although_it_is_full():
    requests = Requests(1)
    await requests.come(1)
    await requests.come(2, port=8401, connects=False)
    assert requests.running == [1, 2]

    await requests.end(2)
    await requests.end(1)
