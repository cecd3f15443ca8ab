"""What the parts of `Client` stand on: one request, and waiting. `Client` has the only one."""

from abc import ABC, abstractmethod
from typing import Any


class Asking(ABC):
    """Asks the service. Each call raises ApiError when refused, else ServiceUnreachable."""

    @abstractmethod
    async def _ask(self, method: str, path: str, **content: Any) -> Any:
        """Send one request, and return the JSON of its answer."""

    @abstractmethod
    async def _pause_until(self, deadline: float) -> bool:
        """Let a moment pass; False when the deadline has come."""

    @abstractmethod
    def _deadline(self, seconds: float) -> float:
        """The moment that is `seconds` away, on the client's clock."""
