"""Manifests as a cluster would get them: built by kubectl, from `make tools` or from PATH."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / ".venv" / "tools" / "bin"
OVERLAYS = (
    "kubernetes/overlays/dev",
    "kubernetes/overlays/prod",
    "kubernetes/overlays/dev/migrate",
    "kubernetes/overlays/prod/migrate",
    "knative",
)
CLUSTERS = OVERLAYS[:2]
Document = dict[str, Any]


def tool(name: str) -> str:
    """The path of a tool; a test that needs it is skipped, with the reason, where it is not."""
    found = shutil.which(name, path=str(TOOLS)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is neither in {TOOLS} nor on PATH: run `make tools`")
    return found


@cache
def text_of(overlay: str) -> str:
    """What `kubectl kustomize` makes of a folder below infra/."""
    command = [tool("kubectl"), "kustomize", str(ROOT / "infra" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def documents_of(overlay: str) -> list[Document]:
    """The same, read once: who changes a document copies it."""
    return list(yaml.load_all(text_of(overlay), yaml.CSafeLoader))


@pytest.fixture(params=OVERLAYS)
def overlay(request) -> str:
    return request.param


@pytest.fixture(params=CLUSTERS)
def cluster(request) -> list[Document]:
    """All documents of one GKE overlay."""
    return documents_of(request.param)
