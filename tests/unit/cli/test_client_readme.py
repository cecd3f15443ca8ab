"""The examples of the client's README run as they stand there."""

import re
import textwrap
from functools import partial
from pathlib import Path

import httpx
import pytest

import shared.client
from shared.adapters.catalogue import load_catalogue
from shared.client import Client, Clock
from shared.domain.task import FINAL
from shared.settings import ROOT
from tests.contract.api.rest_app import rest_app
from tests.contract.ledger.following import run, succeeded
from tests.support import memory_api as support

README = Path(shared.client.__file__).parent / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def client_class(monkeypatch):
    """`Client` on an API in memory, whose tasks succeed whenever somebody waits."""
    monkeypatch.setattr(support, "catalogue", partial(load_catalogue, ROOT))
    memory = support.memory_api()

    async def work(seconds: float) -> None:
        memory.clock.advance(seconds)
        for row in list(memory.ledger.rows.values()):
            if row.task.state not in FINAL:
                await run(memory.ledger, row.task.id, succeeded(None))
        await memory.chores.round()

    transport = httpx.ASGITransport(rest_app(memory.api))
    clock = Clock(now=lambda: memory.clock().timestamp(), sleep=work)
    return partial(Client, transport=transport, clock=clock)


def test_there_are_examples():
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_runs_to_its_end(example, client_class):
    names = {"Client": client_class}
    body = textwrap.indent(example + "return locals()", "    ", lambda line: bool(line.strip()))
    exec(f"async def example():\n{body}", names)  # noqa: S102  # our own README
    ended = await names["example"]()
    states = [ended[name]["state"] for name in ("task", "group") if name in ended]
    assert states == ["succeeded"]
