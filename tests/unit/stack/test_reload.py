"""Which edits reach the running processes while a task.yaml is wrong."""

from io import StringIO
from types import SimpleNamespace

from emulators.stack.console import Console
from emulators.stack.errors import StackError
from emulators.stack.reload import apply


class FakeStack:
    """One function `noop`; what is reloaded is noted. `right` is whether its files can be read."""

    def __init__(self, root) -> None:
        self.options = SimpleNamespace(root=root)
        self.overrides = None
        self.layout = SimpleNamespace(listeners={"noop": None})
        self.keepers: dict[str, object] = {}
        self.console = Console(StringIO(), as_json=False, verbose=False)
        self.has_wrong_task_types = False
        self.right = True
        self.reloaded = 0

    async def check_task_types(self) -> None:
        self.has_wrong_task_types = not self.right
        if not self.right:
            raise StackError("CT110", "wrong", fix="correct it")

    def keepers_of(self, name: str) -> list["FakeStack"]:
        return [self]

    async def reload(self) -> None:
        self.reloaded += 1

    async def provision(self, task_types) -> dict[str, int]:
        return {"updated": 0}

    async def release_helper(self) -> None:
        pass


async def test_while_a_task_yaml_is_wrong_no_edit_starts_a_process_that_could_not_read_it(tmp_path):
    folder = tmp_path / "functions" / "noop"
    folder.mkdir(parents=True)
    for name in ("task.yaml", "main.py"):
        (folder / name).touch()
    stack = FakeStack(tmp_path)

    stack.right = False
    for name in ("task.yaml", "main.py"):
        await apply(stack, [folder / name])
    assert stack.reloaded == 0

    stack.right = True
    await apply(stack, [folder / "task.yaml"])
    assert (stack.reloaded, stack.has_wrong_task_types) == (1, False)
    await apply(stack, [folder / "main.py"])
    assert stack.reloaded == 2
