"""What one type of resource is on this machine: the form of all handlers."""

from typing import Any, Protocol

Attributes = dict[str, Any]


class Handler(Protocol):
    """Makes one type of resource. Every method may raise CloudError and is safe to repeat."""

    def create(self, value: Attributes) -> Attributes:
        """Make it; return the attributes that only the cloud knows."""

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        """Change it in place; return the attributes that change with it."""

    def read(self, value: Attributes) -> Attributes | None:
        """Return it as it is now, None if it is gone."""

    def delete(self, value: Attributes) -> None:
        """Take it away; what is gone is none."""


class Held:
    """A resource that exists in Terraform's state alone: nothing on this machine stands for it."""

    def create(self, value: Attributes) -> Attributes:
        return {}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        return {}

    def read(self, value: Attributes) -> Attributes | None:
        return value

    def delete(self, value: Attributes) -> None:
        return None


def block(value: Attributes, name: str) -> Attributes:
    """Return a resource's one block of a name, empty if it has none."""
    blocks = value.get(name)
    return (blocks[0] or {}) if blocks else {}


def seconds(text: str | None, otherwise: float) -> float:
    """Return a duration as the API writes it ("90s")."""
    return float(text.removesuffix("s")) if text else otherwise
