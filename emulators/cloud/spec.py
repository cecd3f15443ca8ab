"""What the daemon is asked to keep running. Pure; travels and is kept as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Kind = Literal["program", "postgres", "redis"]
ANSWERS, OPENS, STARTS = "answers", "opens", "starts"
"""How a part is known to work: `answers` 200 to GET `ready_path`, its port `opens`, it `starts`."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One part. `what` is for people; `ports` by what they are for, 0 for any that is free."""

    name: str
    what: str
    kind: Kind = "program"
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    ports: Mapping[str, int] = field(default_factory=dict)
    ready: str = STARTS
    ready_path: str = ""

    def at(self, ports: Mapping[str, int]) -> "Spec":
        """Return this part on `ports`: they stand in its command as {name} and in PORT."""
        environment = {**self.environment, **({"PORT": str(ports["main"])} if "main" in ports else {})}
        named = {f"{{{name}}}": str(port) for name, port in ports.items()}
        argv = tuple(named.get(word, word) for word in self.argv)
        return replace(self, ports=dict(ports), environment=environment, argv=argv)

    def as_json(self) -> dict[str, Any]:
        """Return it in plain values."""
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Spec":
        """Return what `as_json` wrote. Raises: TypeError for anything else."""
        return cls(**{**value, "argv": tuple(value["argv"])})


@dataclass(frozen=True, slots=True)
class Running:
    """A part as the daemon sees it. `problem` says why it does not run; empty when it does."""

    spec: Spec
    pid: int = 0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it in plain values."""
        return {"spec": self.spec.as_json(), "pid": self.pid, "problem": self.problem}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Running":
        """Return what `as_json` wrote."""
        return cls(Spec.of(value["spec"]), value["pid"], value["problem"])
