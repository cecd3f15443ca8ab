"""Follow edits of the checkout: the next task is served by the new code."""

from collections.abc import Iterable
from pathlib import Path

from emulators.stack.changes import WATCHED_FOLDERS, Effect, effect_of
from emulators.stack.errors import StackError
from emulators.stack.parts import GATEWAY
from emulators.stack.stack import Stack
from emulators.stack.task_types import function_names, read_task_types
from emulators.stack.watch import Watch


def watch(stack: Stack) -> Watch:
    """A watch of everything in the checkout that the running processes depend on."""
    root = stack.options.root
    places = [root / name for name in WATCHED_FOLDERS if (root / name).is_dir()]
    return Watch([*places, *([stack.overrides] if stack.overrides else [])])


async def follow(stack: Stack, edited: Watch) -> None:
    """Apply every edit to the running stack, until the watch ends."""
    left = Effect()
    while paths := await edited.edits():
        left = await apply(stack, paths, left)


async def apply(stack: Stack, paths: Iterable[Path], left: Effect) -> Effect:
    """Restart what the edited files concern, and what is `left` of earlier edits.

    A mistake in them is told, and the run goes on as it was: returns what is left for the next
    edit. So while a task.yaml is wrong nothing starts anew, as it could not read it either.
    """
    effect = effect_of(paths, stack.options.root, stack.overrides)
    if not effect:
        return left
    try:
        await _apply(stack, effect | left)
    except StackError as error:
        stack.console.warn(str(error))
        return effect | left
    return Effect()


async def _apply(stack: Stack, effect: Effect) -> None:
    task_types = read_task_types(stack.options.root, stack.overrides)
    if effect.provision:
        await stack.product.check_task_types()
    names, running = set(function_names(stack.options.root)), set(stack.layout.listeners)
    for gone in sorted(running - names):
        await stack.remove_function(gone)
        stack.console.warn(f"{gone} is gone and was stopped; its topics stay")
    for name in sorted((running & names) if effect.all_functions else effect.functions & running):
        for keeper in stack.keepers_of(name):
            await keeper.reload()
        stack.console.warn(f"{name} reloaded")
    if effect.gateway and GATEWAY in stack.keepers:
        await stack.keepers[GATEWAY].reload()
        stack.console.warn(f"{GATEWAY} reloaded")
    for new in sorted(names - running):
        await stack.add_function(new)
    if effect.provision or names != running:
        done = await stack.provision(task_types)
        await stack.release_helper()
        stack.console.warn(f"topics and subscriptions agree again: {done['updated']} updated")
