"""Who may import whom (DESIGN, the house). An arrow that is not in the table turns this red."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = ("shared", "functions", "grpc_gateway", "protos", "emulators", "tests")

# The importer's longest matching name decides what of ours it may import.
ALLOWED = {
    "shared": [],
    "shared.domain": ["shared.domain"],
    "shared.services": ["shared.services", "shared.domain"],
    "shared.adapters": ["shared.adapters", "shared.domain"],
    "shared.adapters.pubsub": ["shared.domain", "protos"],
    "shared.settings": ["shared.domain", "shared.settings_rules"],
    "shared.settings_rules": ["shared.settings"],
    "shared.variables": [],
    "shared.telemetry": ["shared.log_lines", "shared.domain", "shared.settings"],
    "shared.log_lines": ["shared.domain"],
    "shared.metrics": ["shared.metrics", "shared.domain"],
    "shared.failpoints": ["shared.domain"],
    "shared.enqueue_in": ["shared.domain", "shared.adapters", "shared.bootstrap"],
    "shared.migrations": ["shared.migrations", "shared.adapters"],
    "shared.bootstrap": [
        "shared.domain",
        "shared.services",
        "shared.adapters",
        "shared.settings",
        "shared.opened",
        "shared.readiness",
    ],
    "shared.opened": [
        "shared.domain",
        "shared.adapters",
        "shared.settings",
        "shared.metrics",
        "shared.failpoints",
    ],
    "shared.readiness": ["shared.domain"],
    "shared.edges": [
        "shared.edges",
        "shared.services",
        "shared.domain",
        "shared.bootstrap",
        "shared.readiness",
        "shared.settings",
        "shared.telemetry",
        "shared.metrics",
    ],
    "shared.client": ["shared.client", "shared.domain", "shared.settings"],
    "shared.cli": ["shared.cli", "shared.client", "shared.domain", "shared.settings"],
    "shared.cli.deep_checks": ["shared.adapters", "shared.cli", "shared.settings", "shared.domain"],
    "shared.cli.keys": ["shared.adapters", "shared.cli", "shared.settings", "shared.domain"],
    "shared.cli.migrate": ["shared.migrations", "shared.cli", "shared.settings", "shared.domain"],
    "functions": [],
    "grpc_gateway": [
        "grpc_gateway",
        "shared.opened.settings",
        "protos",
        "shared.edges",
        "shared.services",
        "shared.domain",
        "shared.bootstrap",
        "shared.readiness",
        "shared.settings",
        "shared.telemetry",
        "shared.metrics",
    ],
    "protos": ["protos"],
    "emulators": ["emulators"],
}
FUNCTION = [
    "shared.edges",
    "shared.services",
    "shared.domain",
    "shared.bootstrap",
    "shared.readiness",
    "shared.opened.settings",
    "shared.settings",
    "shared.telemetry",
    "shared.metrics",
]


def modules() -> Iterator[tuple[str, Path]]:
    for top in OURS[:-1]:
        for file in sorted((ROOT / top).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, file


def imports_of(file: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


def allowed_for(module: str) -> list[str]:
    parts = module.split(".")
    if parts[0] == "functions" and len(parts) > 1:
        return [*FUNCTION, f"functions.{parts[1]}"]
    while ".".join(parts) not in ALLOWED:
        parts.pop()
    return ALLOWED[".".join(parts)]


def may_import(module: str, imported: str) -> bool:
    return any(imported == name or imported.startswith(f"{name}.") for name in allowed_for(module))


@pytest.mark.parametrize(("module", "file"), [pytest.param(*m, id=m[0]) for m in modules()])
def test_a_module_imports_only_what_the_house_allows(module, file):
    assert [name for name in imports_of(file) if not may_import(module, name)] == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("shared.domain.task", "shared.services.enqueue"),
        ("shared.services.enqueue", "shared.adapters.postgres"),
        ("shared.adapters.redis", "shared.settings"),
        ("functions.send_email.main", "functions.noop.handler"),
        ("functions.enqueue.routes", "functions.send_email.payload"),
        ("emulators.pubsub.server", "shared.domain"),
        ("grpc_gateway.servicer", "emulators.pubsub"),
        ("shared.cli.tasks", "shared.migrations.migrate"),
    ],
)
def test_the_rule_refuses_what_it_must(module, imported):
    assert not may_import(module, imported)


def test_payload_models_import_only_their_base_and_the_validating_library():
    for file in (ROOT / "functions").glob("*/payload.py"):
        own = f"functions.{file.parent.name}."
        others = {n for n in imports_of(file) if not n.startswith(own)}
        assert all(name.startswith("shared.domain.payload") for name in others), file


def test_only_settings_reads_the_environment():
    readers = {
        str(file.relative_to(ROOT))
        for name, file in modules()
        if name.split(".")[0] in ("shared", "functions", "grpc_gateway")
        and any(word in file.read_text() for word in ("os.environ", "os.getenv", "getenv("))
    }
    assert readers == {"shared/settings.py"}
