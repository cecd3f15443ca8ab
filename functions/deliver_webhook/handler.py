"""POST one webhook and decide what the answer means for the task."""

import json
import ssl
import time
from collections.abc import Callable
from typing import Any

from functions.deliver_webhook.delivery import WebhookAnswer, WebhookRequest, post
from functions.deliver_webhook.payload import DeliverWebhook
from functions.deliver_webhook.retry_after import retry_after_seconds
from functions.deliver_webhook.signature import signature_header
from shared.domain.outcome import MayPass, RejectTask, RetryLater
from shared.edges.address_guard import Resolve, checked_target, resolve
from shared.edges.task_context import TaskContext

_PASSING = (408, 425, 429)


class WebhookRefused(RejectTask):
    """The receiver's answer is final: the same request would be refused again."""


class WebhookFailed(MayPass):
    """The receiver could not take the webhook now: worth another attempt."""


async def deliver_webhook(
    payload: DeliverWebhook,
    context: TaskContext,
    *,
    resolve: Resolve = resolve,
    now: Callable[[], float] = time.time,
    tls: ssl.SSLContext | None = None,
) -> dict[str, Any]:
    """POST the body once; return `{"status", "duration_ms", "response"}` of a 2xx.

    Not safe to repeat by itself, so it goes through `context.once`: a second attempt finds the
    recorded 2xx and sends nothing. Only an attempt that is lost between the answer and the record
    is sent again, with the same `CloudTasker-Task-Id`, by which the receiver drops a duplicate.
    Raises: RejectTask for a blocked address, a redirect or a 4xx; RetryLater where the receiver
    names a time; WebhookFailed, NoAnswer and Unresolved for what may pass. No reason quotes the
    answer's body, which may repeat the payload.
    """

    async def deliver() -> dict[str, Any]:
        return await _delivered(payload, context, resolve=resolve, now=now, tls=tls)

    return await context.once("webhook", deliver)


async def _delivered(
    payload: DeliverWebhook,
    context: TaskContext,
    *,
    resolve: Resolve,
    now: Callable[[], float],
    tls: ssl.SSLContext | None,
) -> dict[str, Any]:
    target = await checked_target(
        payload.url, allow=context.settings.webhook_allow, resolve=resolve
    )
    body = json.dumps(payload.body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {**payload.headers, **_own_headers(context, body, int(now()))}
    answer = await post(WebhookRequest(payload.url, target, body, headers), tls=tls)
    if 200 <= answer.status < 300:
        return {
            "status": answer.status,
            "duration_ms": answer.duration_ms,
            "response": answer.excerpt,
        }
    raise _failure(answer, target.host, context.attempt, now())


def _own_headers(context: TaskContext, body: bytes, sent_at: int) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "CloudTasker",
        "CloudTasker-Task-Id": str(context.task_id),
        "CloudTasker-Attempt": str(context.attempt),
    }
    if secret := context.settings.webhook_secret:
        headers["CloudTasker-Signature"] = signature_header(secret, body, sent_at)
    return headers


def _failure(answer: WebhookAnswer, host: str, attempt: int, now: float) -> Exception:
    said = f"{host} answered {answer.status}"
    if 300 <= answer.status < 400:
        return WebhookRefused(f"{said}; redirects are not followed, use the final URL")
    if 400 <= answer.status < 500 and answer.status not in _PASSING:
        return WebhookRefused(said)
    after = retry_after_seconds(answer.headers.get("retry-after", ""), now, attempt)
    return WebhookFailed(said) if after is None else RetryLater(after, said)
