"""Templates and workloads in, texts of manifests out; and what in the tree differs from them."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

from infra.manifests.workloads import Workload, workloads

HEAD: Final = (
    "# Made by `make manifests` from functions/*/task.yaml and infra/manifests; do not edit.\n"
)
KUBERNETES: Final = Path("infra/kubernetes/base/functions")
KNATIVE: Final = Path("infra/knative/functions")
MIGRATE: Final = Path("infra/kubernetes/migrate/job.yaml")
_TEMPLATES: Final = Path(__file__).parent / "templates"

Files = Mapping[Path, str]
"""Texts by their path from the root of the checkout."""


def rendered(root: Path) -> Files:
    """Every generated manifest of the checkout at `root`."""
    files: dict[Path, str] = {}
    found = workloads(root)
    for workload in found:
        files[KUBERNETES / f"{workload.cloud_name}.yaml"] = _kubernetes(workload)
        files[KNATIVE / f"{workload.cloud_name}.yaml"] = HEAD + _filled("knative", workload.values)
    for folder in (KUBERNETES, KNATIVE):
        files[folder / "kustomization.yaml"] = _listing(found)
    files[MIGRATE] = HEAD + _filled("migrate", {"users": _grants(found)})
    return files


def write(root: Path, files: Files) -> list[str]:
    """Bring the tree to `files`; returns the paths that changed."""
    wrong = stale(root, files)
    for path in map(Path, wrong):
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path])
        else:
            (root / path).unlink()
    return wrong


def stale(root: Path, files: Files) -> list[str]:
    """Paths whose text is not that of `files`, and files of functions that are gone."""
    there = {
        path.relative_to(root)
        for folder in (KUBERNETES, KNATIVE)
        for path in (root / folder).glob("*.yaml")
    }
    differing = {path for path, text in files.items() if _text(root / path) != text}
    return sorted(map(str, differing | (there - files.keys())))


def _kubernetes(workload: Workload) -> str:
    scaling = "scaled_by_backlog" if workload.is_task_type else "scaled_by_cpu"
    parts = [_filled(name, workload.values) for name in ("function", scaling)]
    return HEAD + "---\n".join(parts)


def _listing(found: list[Workload]) -> str:
    names = "".join(f"  - {workload.cloud_name}.yaml\n" for workload in found)
    kind = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    return f"{HEAD}{kind}resources:\n{names}"


def _grants(found: list[Workload]) -> str:
    accounts = sorted([*(workload.cloud_name for workload in found), "grpc-gateway"])
    lines = (f"            - --grant=ct-{name}@$(GOOGLE_CLOUD_PROJECT).iam" for name in accounts)
    return "\n".join(lines)


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template((_TEMPLATES / f"{template}.yaml").read_text()).substitute(values)


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
