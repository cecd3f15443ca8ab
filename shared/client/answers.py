"""What the service's answers, and their absence, become here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from shared.client.errors import ApiError, ServiceUnreachable
from shared.client.shapes import Receipt
from shared.domain.errors import InvalidField

if TYPE_CHECKING:
    import httpx

REQUEST_SECONDS: Final = 15.0
"""How long one request may take: an enqueue waits for a commit and a moment for Pub/Sub."""


def answer_of(response: "httpx.Response") -> dict[str, Any]:
    """The JSON object of a successful answer, empty for 204. Raises: ApiError for any other."""
    if response.status_code == 204:
        return {}
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        said = f"{response.url} answered {response.status_code}, not the API's JSON"
        raise ApiError("unexpected_answer", response.status_code, said)
    if not response.is_success:
        raise refusal_of(answer, response.status_code)
    return answer


def receipt_of(answer: Mapping[str, Any]) -> Receipt:
    """What an accepted task is told."""
    return Receipt(
        task_id=answer["task_id"],
        task_type=answer["task_type"],
        state=answer["state"],
        created_at=answer["created_at"],
        replayed=answer["replayed"],
    )


def refusal_of(problem: Mapping[str, Any], status: int = 0) -> ApiError:
    """Read RFC 9457 problem details with our members `code`, `errors`, `task_id`, `group_id`."""
    errors = [
        InvalidField(e.get("field", ""), e.get("problem", "")) for e in problem.get("errors", [])
    ]
    detail = problem.get("detail") or problem.get("title") or "no reason was given"
    holder = {name: problem[name] for name in ("task_id", "group_id") if name in problem}
    code, said = problem.get("code", "unknown"), problem.get("status", status)
    return ApiError(code, said, detail, errors, holder)


def no_answer(url: str, failure: "httpx.TransportError") -> ServiceUnreachable:
    """Why none came, in words, and whether the request may have arrived at `url`."""
    import httpx

    if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        said = str(failure) or f"no connection within {REQUEST_SECONDS:g} s"
        return ServiceUnreachable(url, f"cannot be reached: {said}", sent=False)
    if isinstance(failure, httpx.TimeoutException):
        return ServiceUnreachable(url, f"did not answer within {REQUEST_SECONDS:g} s", sent=True)
    said = str(failure) or type(failure).__name__
    return ServiceUnreachable(url, f"broke off the connection: {said}", sent=True)
