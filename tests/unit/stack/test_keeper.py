"""One part's life, with processes that end when the test says so."""

import asyncio
import io
import itertools
import os
import signal

import pytest

from emulators.stack.console import Console
from emulators.stack.errors import StackError
from emulators.stack.keeper import Keeper, Part, lines_of
from emulators.stack.processes import EXIT_BROKEN

# A pid that no process can have: whoever signals it hears that there is none.
PIDS = itertools.count(2**22 + 1)


class FakeChild:
    def __init__(self, code: int | None = None) -> None:
        self.pid = next(PIDS)
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if code is not None:
            self.over.set_result(code)

    async def wait(self) -> int:
        return await asyncio.shield(self.over)


class Fakes:
    """Launches fake children that print `says`, and remembers them."""

    def __init__(self, *codes: int | None, says: bytes = b"") -> None:
        self.codes = list(codes)
        self.says = says
        self.children: list[FakeChild] = []
        self.another = asyncio.Event()

    async def launch(self, output: int) -> FakeChild:
        os.write(output, self.says)
        self.children.append(FakeChild(self.codes.pop(0) if self.codes else None))
        self.another.set()
        return self.children[-1]

    async def next(self) -> FakeChild:
        self.another.clear()
        await asyncio.wait_for(self.another.wait(), 5)
        return self.children[-1]


async def ready_at_once(_child) -> None:
    pass


async def never_ready(_child) -> None:
    await asyncio.Event().wait()


def keeper_of(fakes: Fakes, ready=ready_at_once, **how) -> tuple[Keeper, io.StringIO, list]:
    stream, changes = io.StringIO(), []
    part = Part("noop", fakes.launch, ready, **how)
    console = Console(stream, as_json=False, verbose=False)
    return Keeper(part, console, lambda: changes.append(len(fakes.children))), stream, changes


async def test_a_part_that_ends_is_started_again_and_the_change_is_told():
    fakes = Fakes()
    keeper, stream, changes = keeper_of(fakes)
    await keeper.start()

    fakes.children[0].over.set_result(-signal.SIGKILL)
    assert await fakes.next() is not fakes.children[0]

    assert "noop ended (signal SIGKILL); starting it again now" in stream.getvalue()
    assert changes == [1, 2]


async def test_a_start_that_fails_shows_the_last_lines():
    keeper, _, _ = keeper_of(Fakes(1, says=b"one\nFATAL: two\n"), never_ready)

    with pytest.raises(StackError, match="CT106 noop ended at once") as caught:
        await keeper.start()

    assert "  FATAL: two" in str(caught.value).splitlines()
    assert str(caught.value).splitlines()[-1].startswith("Fix: ")


class Chunks:
    """Output that comes so, one chunk after the other."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = iter(chunks)

    async def read(self, _most: int) -> bytes:
        return next(self._chunks, b"")


async def test_lines_are_whole_however_they_were_cut_on_the_way():
    lines = lines_of(Chunks(b"one\ntw", b"o\n\nthr", b"ee\xff"))

    assert [group async for group in lines] == [["one"], ["two", ""], ["three\ufffd"]]


async def test_a_line_without_end_comes_in_pieces():
    chunks = [b"x" * 60_000] * 50
    pieces = [piece async for [piece] in lines_of(Chunks(*chunks))]

    assert "".join(pieces) == "x" * 3_000_000
    assert max(map(len, pieces)) < 1_200_000


async def test_a_function_that_cannot_be_loaded_is_left_alone_until_an_edit():
    fakes = Fakes(EXIT_BROKEN)
    keeper, _, _ = keeper_of(fakes, never_ready)

    await keeper.start()
    assert keeper.broken
    await asyncio.sleep(0)
    assert len(fakes.children) == 1

    await keeper.reload()
    assert not keeper.broken
    assert len(fakes.children) == 2


async def test_a_part_that_overlaps_is_replaced_before_the_old_one_has_ended():
    fakes = Fakes()
    keeper, _, _ = keeper_of(fakes, overlaps=True)
    await keeper.start()

    await asyncio.wait_for(keeper.reload(), 5)

    assert len(fakes.children) == 2
    assert not fakes.children[0].over.done()
    fakes.children[0].over.set_result(0)


async def test_any_other_part_is_replaced_after_the_old_one_has_ended():
    fakes = Fakes()
    keeper, _, _ = keeper_of(fakes)
    await keeper.start()

    reloading = asyncio.create_task(keeper.reload())
    await asyncio.sleep(0)
    assert len(fakes.children) == 1

    fakes.children[0].over.set_result(0)
    await asyncio.wait_for(reloading, 5)
    assert len(fakes.children) == 2


async def test_a_stopped_part_is_not_started_again():
    fakes = Fakes()
    keeper, _, _ = keeper_of(fakes)
    await keeper.start()

    fakes.children[0].over.set_result(0)
    await keeper.stop(1)
    await asyncio.sleep(0)

    assert len(fakes.children) == 1


async def test_every_line_is_shown_however_long():
    long = b"x" * (3 << 20)
    keeper, stream, _ = keeper_of(Fakes(1, says=b"first\n"), never_ready)
    read_end, write_end = os.pipe()
    pump = asyncio.create_task(keeper._pump(read_end))
    await asyncio.to_thread(_write_all, write_end, long + b"\nlast\n")

    await asyncio.wait_for(pump, 10)

    keeper._console.release()
    assert stream.getvalue().count("x") == len(long)
    assert "last" in stream.getvalue()


def _write_all(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


class Unlaunchable(Fakes):
    """Launches the first child; then it fails, or waits as for a zygote that is away."""

    def __init__(self, then) -> None:
        super().__init__()
        self.then = then
        self.asked = asyncio.Event()

    async def launch(self, output: int) -> FakeChild:
        if self.children:
            self.asked.set()
            await self.then()
        return await super().launch(output)


async def fail() -> None:
    raise ConnectionError("the zygote has just ended")


async def test_an_edit_whose_process_cannot_be_launched_is_told_and_tried_again():
    fakes = Unlaunchable(fail)
    keeper, stream, _ = keeper_of(fakes, overlaps=True)
    await keeper.start()

    await keeper.reload()
    assert "could not be started: the zygote has just ended" in stream.getvalue()
    fakes.then = launch_now
    fakes.children[0].over.set_result(0)

    assert await fakes.next() is not fakes.children[0]


async def launch_now() -> None:
    pass


async def test_a_part_that_is_being_brought_back_in_vain_can_be_stopped():
    fakes = Unlaunchable(asyncio.Event().wait)
    keeper, _, _ = keeper_of(fakes)
    await keeper.start()
    fakes.children[0].over.set_result(1)
    await asyncio.wait_for(fakes.asked.wait(), 5)

    await asyncio.wait_for(keeper.stop(1), 30)
