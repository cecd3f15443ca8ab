"""Requests to the local stack's own parts: the mail sink, the emulator. Never through a proxy."""

from typing import TYPE_CHECKING, Any

from shared.cli.errors import CliError, Exit
from shared.cli.setup import Setup

if TYPE_CHECKING:
    import httpx

ANSWER_SECONDS = 5.0


async def ask(setup: Setup, part: str, method: str, url: str, **content: Any) -> "httpx.Response":
    """The answer of `part`, whatever its status.

    Raises: CliError CT501 (exit 5) when there is none.
    """
    import httpx

    client = httpx.AsyncClient(transport=setup.transport, timeout=ANSWER_SECONDS, trust_env=False)
    try:
        async with client:
            return await client.request(method, url, **content)
    except httpx.TransportError as failure:
        raise CliError(
            "CT501",
            f"The {part} at {url} does not answer: {failure or type(failure).__name__}.",
            fix="`cloudtasker status` shows what runs; `cloudtasker dev` starts it.",
            exit_code=Exit.UNREACHABLE,
        ) from failure


def unexpected(part: str, answer: "httpx.Response") -> CliError:
    """CT502: it answered, and not with what was asked for."""
    return CliError(
        "CT502",
        f"The {part} answered {answer.status_code}: {answer.text[:200]}",
        fix="`cloudtasker status` shows which part is not ready.",
        exit_code=Exit.UNREACHABLE,
    )
