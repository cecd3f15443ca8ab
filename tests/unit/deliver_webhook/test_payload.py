"""What a `deliver_webhook` payload may hold."""

import pytest
from pydantic import ValidationError

from functions.deliver_webhook.payload import DeliverWebhook

GOOD = {"url": "https://hooks.example.com/a?b=c", "body": {"event": "paid", "amounts": [1, 2.5]}}


def problem_of(**changes):
    """The field and the message of the one problem that `changes` make."""
    with pytest.raises(ValidationError) as refused:
        DeliverWebhook.model_validate({**GOOD, **changes})
    (problem,) = refused.value.errors()
    return ".".join(map(str, problem["loc"])), problem["msg"]


def test_a_url_and_a_body_are_enough():
    payload = DeliverWebhook.model_validate(GOOD)

    assert {"url": str(payload.url), "body": payload.body} == GOOD
    assert payload.headers == {}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://user@hooks.example.com/", "user name"),
        ("https://user:secret@hooks.example.com/", "user name"),
        ("https://hooks.example.com\\@evil.example/", "backslash"),
        ("https://hooks.example.com/a b", "white space"),
        ("https://hooks.example.com/\r\nHost: evil", "white space"),
        ("https://hooks.example.com/\x00", "control"),
        ("ftp://hooks.example.com/", "https://"),
        ("hooks.example.com", "https://"),
        ("https:///hooks.example.com", "https://"),
        ("https://", "https://"),
        ("https://hooks.example.com:99999/", "port"),
        ("https://hooks.example.com/" + "a" * 2083, "2083"),
        (7, "string"),
        (None, "string"),
    ],
)
def test_a_url_that_parsers_may_read_differently_is_refused(url, reason):
    field, message = problem_of(url=url)

    assert field == "url"
    assert reason in message


def test_an_at_sign_after_the_host_is_harmless():
    DeliverWebhook.model_validate({**GOOD, "url": "https://hooks.example.com/@me?to=a@b#@"})


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_a_body_that_is_not_an_object_is_refused(body):
    assert problem_of(body=body)[0] == "body"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "HOST",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "Authorization",
        "Cookie",
        "Proxy-Authorization",
        "Metadata-Flavor",
        "CloudTasker-Signature",
        "cloudtasker-anything",
        "X Y",
        "X:Y",
        "X\r\nHost",
        "X\n",
        "",
        "Ä",
        "a" * 65,
    ],
)
def test_a_header_that_frames_authorises_or_breaks_out_is_refused(name):
    field, _ = problem_of(headers={name: "1"})

    assert field.startswith("headers.")


@pytest.mark.parametrize(
    "value", ["a\r\nHost: evil", "a\nb", "a\rb", "a\x00", "ä", "\t", "a" * 1025, 1, None]
)
def test_a_header_value_that_is_not_one_line_is_refused(value):
    assert problem_of(headers={"X-Event": value})[0] == "headers.X-Event"


def test_twenty_headers_pass_and_not_one_more():
    DeliverWebhook.model_validate({**GOOD, "headers": {f"X-{i}": "1" for i in range(20)}})

    assert problem_of(headers={f"X-{i}": "1" for i in range(21)})[0] == "headers"


def test_one_header_in_two_spellings_is_refused():
    assert problem_of(headers={"X-Event": "1", "x-event": "2"})[0] == "headers"


@pytest.mark.parametrize("field", ["method", "timeout", "secret"])
def test_an_unknown_field_is_refused(field):
    assert field == problem_of(**{field: "GET"})[0]
