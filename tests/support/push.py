"""Pushes as Pub/Sub and Eventarc send them, and apps that take them without a server."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import httpx
from functions_framework.aio import create_asgi_app_from_module

from shared.edges.guarded_function import Function

PROJECT = "cloudtasker-local"
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


def push_body(
    data: bytes,
    *,
    subscription: str,
    message_id: str = "1001",
    attributes: dict[str, str] | None = None,
    delivery_attempt: int | None = None,
    ordering_key: str = "",
) -> dict[str, Any]:
    """The wrapped body of a push, with the snake-case duplicates that Pub/Sub adds."""
    message: dict[str, Any] = {
        "data": base64.b64encode(data).decode(),
        "attributes": attributes or {"task_type": "greet"},
        "messageId": message_id,
        "message_id": message_id,
        "publishTime": "2026-11-24T12:00:00.000Z",
        "publish_time": "2026-11-24T12:00:00.000Z",
    }
    if ordering_key:
        message["orderingKey"] = ordering_key
    body: dict[str, Any] = {"message": message, "subscription": subscription}
    if delivery_attempt is not None:
        body["deliveryAttempt"] = delivery_attempt
    return body


def binary_event(body: dict[str, Any], **attributes: str) -> tuple[dict[str, str], bytes]:
    """`body` as Eventarc sends it: a CloudEvent whose attributes are headers."""
    said = {
        "id": body["message"]["messageId"],
        "source": f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tasks-greet",
        "specversion": "1.0",
        "type": PUBLISHED,
        "time": "2026-11-24T12:00:00.000Z",
        **attributes,
    }
    headers = {f"ce-{name}": value for name, value in said.items()}
    return {**headers, "content-type": "application/json"}, json.dumps(body).encode()


def structured_event(body: dict[str, Any], **attributes: Any) -> tuple[dict[str, str], bytes]:
    """`body` inside a CloudEvent that is one JSON document."""
    event = {
        "id": body["message"]["messageId"],
        "source": f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tasks-greet",
        "specversion": "1.0",
        "type": PUBLISHED,
        "datacontenttype": "application/json",
        "data": body,
        **attributes,
    }
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    return headers, json.dumps(event).encode()


@asynccontextmanager
async def calling(function: Function) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `function` inside the framework's own app."""
    module = ModuleType("main")
    name = function.__name__
    setattr(module, name, function)
    app = create_asgi_app_from_module(name, "main.py", "http", module, None)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
