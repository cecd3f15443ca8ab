"""What an edited file means for the running processes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SUFFIXES = {".py", ".pyi", ".yaml", ".yml", ".json"}
# Read by every process that looks at the catalogue: a change of these concerns all of them.
_CATALOGUE_FILES = {"task.yaml", "payload.py"}
WATCHED_FOLDERS = ("functions", "shared", "protos", "grpc_gateway")


@dataclass(frozen=True)
class Effect:
    """What to do: restart `functions` (or all of them), the gateway, and provision again."""

    functions: frozenset[str] = frozenset()
    all_functions: bool = False
    gateway: bool = False
    provision: bool = False

    def __bool__(self) -> bool:
        return bool(self.functions or self.all_functions or self.gateway or self.provision)

    def __or__(self, other: "Effect") -> "Effect":
        return Effect(
            self.functions | other.functions,
            self.all_functions or other.all_functions,
            self.gateway or other.gateway,
            self.provision or other.provision,
        )


_EVERYTHING = Effect(all_functions=True, gateway=True)


def is_source(path: Path) -> bool:
    """Whether an edit of `path` can matter: no caches, editors' copies or data."""
    return path.suffix in _SUFFIXES and "__pycache__" not in path.parts


def is_folder_name(path: Path) -> bool:
    """Whether `path` can be a function's folder. Of one that is moved here or written quickly only
    the folder is announced, never its files."""
    return path.name.isidentifier() and path.name != "__pycache__"


def effect_of(paths: Iterable[Path], root: Path, overrides: Path | None) -> Effect:
    """The effect of edits at `paths` in the checkout `root`."""
    effect = Effect()
    for path in paths:
        if path == overrides:
            effect |= _EVERYTHING | Effect(provision=True)
        elif path.is_relative_to(root) and is_source(path):
            effect |= _of_one(path.relative_to(root).parts)
        elif path.parent == root / "functions" and is_folder_name(path):
            effect |= _EVERYTHING | Effect(provision=True)
    return effect


def _of_one(parts: tuple[str, ...]) -> Effect:
    match parts:
        case ("functions", name, *_, file) if file in _CATALOGUE_FILES:
            return _EVERYTHING | Effect(provision=True)
        case ("functions", name, _, *_):
            return Effect(functions=frozenset({name}))
        case ("grpc_gateway", *_):
            return Effect(gateway=True)
        case ("functions" | "shared" | "protos", *_):
            return _EVERYTHING
    return Effect()
