"""What a part of a deployment shall be, as it is kept and sent: plain data. Pure."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Kind = Literal["postgres", "redis", "workload", "scheduler", "api"]
FUNCTION = "emulators.stack.function_process"


@dataclass(frozen=True)
class Spec:
    """One part. A port of 0 is chosen when the part is made, and never changes after.

    A workload runs `module` of `workspace`; `secrets` are the names of secrets by variable, which
    `account` must be allowed to read. `settings` are what the other kinds need.
    """

    kind: Kind
    port: int = 0
    workspace: str = ""
    module: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    account: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Spec":
        """Read what `content` returned."""
        return cls(**{**content, "arguments": tuple(content.get("arguments", ()))})

    def content(self) -> dict[str, Any]:
        """Return the spec as JSON has it."""
        return asdict(self)

    def at(self, port: int) -> "Spec":
        """Return the same on another port."""
        return replace(self, port=port)

    @property
    def is_function(self) -> bool:
        """Whether it is served on a socket that outlives its processes."""
        return self.kind == "workload" and self.module == FUNCTION
