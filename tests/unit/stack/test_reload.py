"""Which edits reach the running processes while a task.yaml is wrong."""

from io import StringIO
from types import SimpleNamespace

from emulators.stack.changes import Effect
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
        self.product = self
        self.right = True
        self.reloaded = 0
        self.provisioned = 0

    async def check_task_types(self) -> None:
        if not self.right:
            raise StackError("CT110", "wrong", fix="correct it")

    def keepers_of(self, name: str) -> list["FakeStack"]:
        return [self]

    async def reload(self) -> None:
        self.reloaded += 1

    async def provision(self, task_types) -> dict[str, int]:
        self.provisioned += 1
        return {"updated": 0}

    async def release_helper(self) -> None:
        pass


async def test_while_a_task_yaml_is_wrong_no_edit_starts_a_process_that_could_not_read_it(tmp_path):
    folder = tmp_path / "functions" / "noop"
    folder.mkdir(parents=True)
    for name in ("task.yaml", "main.py"):
        (folder / name).touch()
    stack = FakeStack(tmp_path)

    stack.right, left = False, Effect()
    for name in ("task.yaml", "main.py"):
        left = await apply(stack, [folder / name], left)
    assert stack.reloaded == 0

    stack.right = True
    left = await apply(stack, [tmp_path / "notes.md"], left)
    assert stack.reloaded == 0  # nothing of ours was edited
    left = await apply(stack, [folder / "main.py"], left)
    assert (stack.reloaded, stack.provisioned, left) == (1, 1, Effect())
    await apply(stack, [folder / "main.py"], left)
    assert (stack.reloaded, stack.provisioned) == (2, 1)
