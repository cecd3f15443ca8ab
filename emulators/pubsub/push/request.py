"""What a push request looks like: wrapped, unwrapped, or a CloudEvent. Sends nothing."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from emulators.pubsub.protos import PubsubMessage, Subscription
from emulators.pubsub.push.body import wrapped
from emulators.pubsub.push.headers import Headers, event_headers, metadata_headers

# The query parameter, and the start of its value, with which Eventarc asks for events of a topic.
EVENTS_PARAMETER = "__GCP_CloudEventsMode"
TOPIC_EVENTS = "CUSTOM_PUBSUB_"


class PushRequest(NamedTuple):
    """Body and headers of one request; the client adds what every request has."""

    headers: Headers
    body: bytes


def push_request(
    serialised: bytes, attempt: int, subscription: Subscription, token: str = ""
) -> PushRequest:
    """Return the request that delivers a serialised message; `attempt` 0 and no token are left out.

    A token takes the place of an attribute named "authorization".
    """
    message = PubsubMessage.FromString(serialised)
    if subscription.push_config.HasField("no_wrapper"):
        headers, body = _unwrapped(message, subscription)
    else:
        headers, body = _wrapped(message, attempt, subscription)
    if token:
        headers = {name: headers[name] for name in headers if name.lower() != "authorization"}
        headers["Authorization"] = f"Bearer {token}"
    return PushRequest(headers, body)


@lru_cache(maxsize=1000)
def event_topic(endpoint: str) -> str:
    """Return the topic whose messages `endpoint` wants as binary CloudEvents, "" if it does not.

    Source: the push endpoints of the subscriptions that Eventarc makes for a topic's trigger end
    in `?__GCP_CloudEventsMode=CUSTOM_PUBSUB_projects%2F{project}%2Ftopics%2F{topic}`.
    """
    (mode, *_) = parse_qs(urlsplit(endpoint).query).get(EVENTS_PARAMETER, [""])
    return mode.removeprefix(TOPIC_EVENTS) if mode.startswith(TOPIC_EVENTS) else ""


def _unwrapped(message: PubsubMessage, subscription: Subscription) -> PushRequest:
    """No Content-Type unless the message has an attribute of that name, as the service."""
    named = subscription.push_config.no_wrapper.write_metadata
    headers = metadata_headers(message, subscription.name) if named else {}
    return PushRequest(headers, message.data)


def _wrapped(message: PubsubMessage, attempt: int, subscription: Subscription) -> PushRequest:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if topic := event_topic(subscription.push_config.push_endpoint):
        headers |= event_headers(message, topic)
    return PushRequest(headers, wrapped(message, subscription.name, attempt))
