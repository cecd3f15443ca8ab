"""Reads a seed from a file: JSON, or YAML where PyYAML is installed."""

import json
from pathlib import Path
from typing import Any

from emulators.pubsub.errors import SeedError


def read_seed(path: Path) -> Any:
    """Return what stands in the file. Raises: SeedError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeError) as error:
        raise SeedError(f"--seed {path} cannot be read: {error}") from error
    return _yaml(path, text) if path.suffix in (".yaml", ".yml") else _json(path, text)


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SeedError(f"--seed {path} is not JSON: {error}") from error


def _yaml(path: Path, text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise SeedError(
            f"--seed {path} needs PyYAML: pip install pyyaml, or write the seed as JSON"
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SeedError(f"--seed {path} is not YAML: {error}") from error
