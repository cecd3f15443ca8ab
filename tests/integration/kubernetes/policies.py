"""What every workload must be, as functions of documents: each returns the names that are not."""

from collections.abc import Callable, Iterator
from typing import Any

Document = dict[str, Any]
READY_SECONDS = 2
"""What a readiness check itself may take (shared/readiness.py)."""
GRACE_SECONDS = 10
"""What a process needs to end after SIGTERM."""


def pods(documents: list[Document]) -> Iterator[tuple[str, Document, Document]]:
    """Each workload's name, its pod's spec and its only container."""
    for one in documents:
        template = one.get("spec", {}).get("template")
        if template:
            spec = template["spec"]
            (container,) = spec["containers"]
            yield f"{one['kind']} {one['metadata']['name']}", spec, container


def breakers(documents: list[Document], holds: Callable[[Document, Document], bool]) -> list[str]:
    return [name for name, spec, container in pods(documents) if not holds(spec, container)]


def security(spec: Document, container: Document) -> Document:
    """A pod's security context, and a container's over it."""
    return {**spec.get("securityContext", {}), **container.get("securityContext", {})}


def is_no_root(spec: Document, container: Document) -> bool:
    said = security(spec, container)
    return said.get("runAsNonRoot") is True and said.get("runAsUser", 0) >= 10000


def cannot_gain(spec: Document, container: Document) -> bool:
    said = security(spec, container)
    return (
        said.get("allowPrivilegeEscalation") is False
        and said.get("capabilities") == {"drop": ["ALL"]}
        and said.get("seccompProfile") == {"type": "RuntimeDefault"}
        and not said.get("privileged")
        and not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
    )


def cannot_write_its_image(spec: Document, container: Document) -> bool:
    writable = {mount["mountPath"] for mount in container.get("volumeMounts", ())}
    return security(spec, container).get("readOnlyRootFilesystem") is True and writable == {"/tmp"}


def has_no_token(spec: Document, container: Document) -> bool:
    return spec.get("automountServiceAccountToken") is False and bool(spec["serviceAccountName"])


def is_bounded(spec: Document, container: Document) -> bool:
    resources = container["resources"]
    return all({"cpu", "memory"} <= resources.get(key, {}).keys() for key in ("requests", "limits"))


def has_a_version(spec: Document, container: Document) -> bool:
    name = container["image"].rpartition("/")[2]
    return "@sha256:" in name or (":" in name and not name.endswith(":latest"))


def asks_for_what_there_is(spec: Document, container: Document) -> bool:
    """Liveness never asks for Postgres, readiness does and gives it the time."""
    live, ready = container.get("livenessProbe", {}), container.get("readinessProbe", {})
    if container["name"] == "gateway":
        paths = live.get("grpc", {}).get("service") == "liveness" and "service" not in ready["grpc"]
    else:
        paths = (live["httpGet"]["path"], ready["httpGet"]["path"]) == ("/health", "/ready")
    return paths and ready["timeoutSeconds"] > READY_SECONDS


def may_end_its_work(spec: Document, container: Document) -> bool:
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    return bool(spec["terminationGracePeriodSeconds"] >= pause + GRACE_SECONDS)


EVERYWHERE = (
    is_no_root,
    cannot_gain,
    cannot_write_its_image,
    has_no_token,
    is_bounded,
    has_a_version,
)
"""Of every workload."""
SERVING = (asks_for_what_there_is,)
"""Of what serves."""
