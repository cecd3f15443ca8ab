"""What a `send_email` payload may hold. S12: nothing that could begin another header."""

import pytest
from pydantic import ValidationError

from functions.send_email.payload import SendEmail

GOOD = {"to": "test@example.com", "subject": "Welcome!", "body": "Hello from CloudTasker!"}


def problem_of(**changes):
    """The field and the message of the one problem that `changes` make."""
    with pytest.raises(ValidationError) as refused:
        SendEmail.model_validate({**GOOD, **changes})
    (problem,) = refused.value.errors()
    return problem["loc"][0], problem["msg"]


def test_the_payload_of_the_readme_passes():
    payload = SendEmail.model_validate(GOOD)

    assert (payload.to, payload.subject) == ("test@example.com", "Welcome!")


@pytest.mark.parametrize(
    "subject",
    [
        "Hi\r\nBcc: victim@example.com",
        "Hi\nBcc: victim@example.com",
        "Hi\rBcc: victim@example.com",
        "Hi\r\n\r\nA body of my own",
        "Hi\x0bthere",
        "Hi\x0cthere",
        "Hi\x1cthere",
        "Hi\x85there",
        "Hi\u2028there",
        "Hi\u2029there",
        "Hi\x00there",
        "Hi\x7fthere",
        "\n",
    ],
)
def test_a_subject_of_more_than_one_line_is_refused(subject):
    field, message = problem_of(subject=subject)

    assert field == "subject"
    assert "one line" in message


@pytest.mark.parametrize("field", ["to", "reply_to"])
@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nBcc: victim@example.com",
        "a@example.com\n",
        "a\r@example.com",
        "a@example.com, b@example.com",
        '"a, b"@example.com',
        "a@[127.0.0.1]",
        "a@localhost",
        "a@example.test",
        "no address",
        "@example.com",
        "a@",
        "a" * 250 + "@example.com",
        "",
        7,
        ["a@example.com"],
    ],
)
def test_what_is_not_one_address_is_refused(field, address):
    assert field == problem_of(**{field: address})[0]


@pytest.mark.parametrize(
    ("field", "longest"), [("subject", 200), ("body", 100_000), ("html", 200_000)]
)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(field, longest):
    SendEmail.model_validate({**GOOD, field: "x" * longest})

    assert field == problem_of(**{field: "x" * (longest + 1)})[0]


@pytest.mark.parametrize("field", ["from", "sender", "from_", "headers", "cc", "bcc"])
def test_a_caller_cannot_choose_the_sender_or_other_headers(field):
    assert field == problem_of(**{field: "boss@example.com"})[0]


def test_an_empty_subject_is_refused_and_ordinary_unicode_is_not():
    assert problem_of(subject="")[0] == "subject"
    SendEmail.model_validate({**GOOD, "subject": "Grüße\u00a0👩‍💻"})


def test_every_problem_is_reported_at_once():
    with pytest.raises(ValidationError) as refused:
        SendEmail.model_validate({"to": "x", "subject": "", "more": 1})
    assert {"to", "subject", "body", "more"} == {p["loc"][0] for p in refused.value.errors()}
