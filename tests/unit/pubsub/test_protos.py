"""The raw protobuf classes: cheap to get, harmless to the real package, as the stub says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from emulators.pubsub import protos


def run(code):
    """Run `code` in a new interpreter; return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_client_library_is_not_loaded():
    loaded = run(
        "import sys; from emulators.pubsub import protos; protos.Topic;"
        "heavy = ('google.api_core', 'google.auth');"
        "print(*[name for name in sys.modules if name.startswith(heavy)])"
    )

    assert loaded == []


@pytest.mark.parametrize("first", ["emulators.pubsub.protos", "google.pubsub_v1"])
def test_the_client_library_can_be_used_in_the_same_process(first):
    said = run(
        f"import {first}; from emulators.pubsub import protos; import google.pubsub_v1 as g;"
        "from google.pubsub_v1.types import pubsub;"
        "print(g.Topic.pb() is protos.Topic, g.PublisherClient.__name__, pubsub.Topic is g.Topic,"
        "g.Schema.pb() is protos.Schema)"
    )

    assert said == ["True", "PublisherClient", "True", "True"]


def test_an_unknown_message_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = protos.Nonsense


def fields_of_stub(module):
    """Yield the public classes of a module's stub with the names of their fields."""
    for node in ast.parse(Path(module.__file__).with_suffix(".pyi").read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            fields = {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
            methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            yield node.name, fields | methods - {"__init__"}


@pytest.mark.parametrize(("name", "fields"), list(fields_of_stub(protos)))
def test_the_stub_names_only_fields_that_exist(name, fields):
    assert fields <= set(getattr(protos, name).DESCRIPTOR.fields_by_name)
