"""The raw protobuf classes of Pub/Sub's API, without the client library around them.

google-cloud-pubsub ships proto-plus types only, and `import google.pubsub_v1` loads its clients
too: 0.6 s and 33 MB. The module with the types alone costs 0.02 s, so it is imported below empty
stand-ins of its parent packages, which are taken away again, so that a later import of the real
package works.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

PACKAGE = "google.pubsub_v1"


def _load_types() -> ModuleType:
    """Return `google.pubsub_v1.types.pubsub`, importing no more than it needs."""
    if PACKAGE in sys.modules:
        return importlib.import_module(f"{PACKAGE}.types.pubsub")
    parents = {
        PACKAGE: _empty_package(PACKAGE),
        f"{PACKAGE}.types": _empty_package(PACKAGE, "types"),
    }
    sys.modules.update(parents)
    try:
        return importlib.import_module(f"{PACKAGE}.types.pubsub")
    finally:
        for name in parents:
            del sys.modules[name]


def _empty_package(name: str, *below: str) -> ModuleType:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("google-cloud-pubsub is not installed: pip install google-cloud-pubsub")
    package = ModuleType(".".join((name, *below)))
    package.__path__ = ["/".join((spec.submodule_search_locations[0], *below))]
    return package


_types = _load_types()


def __getattr__(name: str) -> Any:
    """Return the raw class of the message `name`: `protos.Topic`, `protos.PublishRequest`, ..."""
    module = _types if hasattr(_types, name) else _types.gp_schema
    try:
        raw = getattr(module, name).pb()
    except AttributeError:
        raise AttributeError(f"Pub/Sub's API has no message {name}") from None
    globals()[name] = raw
    return raw
