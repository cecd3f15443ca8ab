"""The product's own commands, as a run needs them."""

import asyncio
import os

import pytest

from emulators.stack.errors import StackError
from emulators.stack.forks import Module
from emulators.stack.product import Product

PROBLEM = "functions/noop/task.yaml: max_concurrent: Input should be greater than or equal to 1"
DEFECT = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nNameError: oops\n'


class FakeChild:
    pid = 2**22 + 1

    def __init__(self, code: int) -> None:
        self._code = code

    async def wait(self) -> int:
        await asyncio.sleep(0)
        return self._code


class FakeZygote:
    """Each command prints `says` and ends with `code`."""

    def __init__(self, code: int, says: str = "") -> None:
        self.code, self.says = code, says
        self.asked: list[list[str]] = []

    async def run(self, module: Module, output: int) -> FakeChild:
        self.asked.append([module.name, *module.argv])
        os.write(output, self.says.encode())
        return FakeChild(self.code)


@pytest.fixture
def checkout(tmp_path):
    for name in ("cli", "migrations"):
        (tmp_path / "shared" / name).mkdir(parents=True)
    return tmp_path


async def test_task_types_that_can_be_used_and_a_schema_that_is_up_are_no_news(checkout):
    zygote = FakeZygote(0, "4 task types: all can be used.\n")
    product = Product(checkout, zygote, {})

    await product.check_task_types()
    await product.migrate()

    assert zygote.asked == [["shared.cli", "task-types", "--check"], ["shared.cli", "migrate"]]


@pytest.mark.parametrize(
    ("says", "shown"),
    [(f"{PROBLEM}\n{PROBLEM}\n", [f"  {PROBLEM}"] * 2), (DEFECT, ["  NameError: oops"])],
    ids=["problems", "a defect of shared code"],
)
async def test_what_the_check_says_is_shown_without_frames(checkout, says, shown):
    with pytest.raises(StackError, match="CT110") as refused:
        await Product(checkout, FakeZygote(1, says), {}).check_task_types()

    first, *lines = str(refused.value).splitlines()
    assert lines[: len(shown)] == shown
    assert lines[len(shown)].startswith("Nothing was changed")


async def test_a_migration_that_fails_shows_its_last_lines(checkout):
    with pytest.raises(StackError, match="CT107") as refused:
        await Product(checkout, FakeZygote(1, DEFECT), {}).migrate()

    assert "  NameError: oops" in str(refused.value).splitlines()


async def test_a_checkout_without_them_is_asked_for_nothing(tmp_path):
    zygote = FakeZygote(1)
    product = Product(tmp_path, zygote, {})

    await product.check_task_types()
    await product.migrate()

    assert zygote.asked == []
