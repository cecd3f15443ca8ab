from pathlib import Path

import pytest

from emulators.stack.changes import Effect, effect_of

ROOT = Path("/checkout")
ALL = Effect(all_functions=True, gateway=True)
CATALOGUE = Effect(all_functions=True, gateway=True, provision=True)


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("functions/noop/handler.py", Effect(functions=frozenset({"noop"}))),
        ("functions/noop/below/deep.py", Effect(functions=frozenset({"noop"}))),
        ("functions/noop/payload.py", CATALOGUE),
        ("functions/noop/task.yaml", CATALOGUE),
        ("functions/__init__.py", ALL),
        ("functions/noop", CATALOGUE),
        ("functions/__pycache__", Effect()),
        ("functions/noop/__pycache__", Effect()),
        ("functions/README.md", Effect()),
        ("functions/.swap", Effect()),
        ("shared/domain", Effect()),
        ("shared/domain/task.py", ALL),
        ("protos/cloudtasker/v1/task_pb2.py", ALL),
        ("grpc_gateway/servicer.py", Effect(gateway=True)),
        ("emulators/stack/stack.py", Effect()),
        ("functions/noop/README.md", Effect()),
        ("functions/noop/__pycache__/handler.cpython-311.py", Effect()),
        ("functions/noop/.handler.py.swp", Effect()),
    ],
)
def test_an_edit_restarts_what_depends_on_it(path, effect):
    assert effect_of([ROOT / path], ROOT, None) == effect


def test_edits_add_up():
    paths = [ROOT / "functions/noop/main.py", ROOT / "grpc_gateway/servicer.py"]

    assert effect_of(paths, ROOT, None) == Effect(functions=frozenset({"noop"}), gateway=True)


def test_an_edit_of_the_overrides_reaches_everything_wherever_the_file_is():
    overrides = Path("/elsewhere/short.yaml")

    assert effect_of([overrides], ROOT, overrides) == CATALOGUE


def test_edits_outside_the_checkout_mean_nothing():
    assert not effect_of([Path("/elsewhere/functions/noop/main.py")], ROOT, None)
