"""The signature, as its receiver sees it: the README's own code checks it here."""

import re
from pathlib import Path

import pytest

import functions.deliver_webhook
from functions.deliver_webhook.signature import signature_header

README = Path(functions.deliver_webhook.__file__).with_name("README.md")
BODY = '{"event":"paid","name":"Zoë"}'.encode()
SENT_AT = 1_795_512_600


@pytest.fixture
def is_from_cloudtasker():
    """The README's receiver, whose clock stands at SENT_AT + `late_seconds`."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    receiver = {}
    exec(code, receiver)  # noqa: S102 - our own README

    def check(body, header, secret, late_seconds=0):
        receiver["time"] = type("clock", (), {"time": lambda: SENT_AT + late_seconds})
        return receiver["is_from_cloudtasker"](body, header, secret)

    return check


def test_the_header_is_what_other_tools_compute():
    # printf '1795512600.{"a":1}' | openssl dgst -sha256 -hmac key
    expected = "3a634eb3c543ba35e778f0ed295edb39fc8b4a982ab7b1f395f7a12ec46ef6a1"

    assert signature_header("key", b'{"a":1}', SENT_AT) == f"t={SENT_AT},v1={expected}"


def test_the_receiver_of_the_readme_accepts_it(is_from_cloudtasker):
    assert is_from_cloudtasker(BODY, signature_header("secret", BODY, SENT_AT), "secret")


@pytest.mark.parametrize("late_seconds", [-301, 301, 100_000])
def test_the_receiver_refuses_an_old_or_early_signature(is_from_cloudtasker, late_seconds):
    header = signature_header("secret", BODY, SENT_AT)

    assert is_from_cloudtasker(BODY, header, "secret", late_seconds=300)
    assert not is_from_cloudtasker(BODY, header, "secret", late_seconds=late_seconds)


def test_the_receiver_refuses_another_body_secret_or_time(is_from_cloudtasker):
    header = signature_header("secret", BODY, SENT_AT)

    assert not is_from_cloudtasker(BODY + b" ", header, "secret")
    assert not is_from_cloudtasker(BODY, header, "Secret")
    assert not is_from_cloudtasker(BODY, header.replace(str(SENT_AT), str(SENT_AT + 1)), "secret")


@pytest.mark.parametrize("header", ["", "t=", "t=1795512600", "t=x,v1=y", "v1=ab,t=1", "t=²,v1=ä"])
def test_the_receiver_refuses_what_is_no_signature(is_from_cloudtasker, header):
    assert not is_from_cloudtasker(BODY, header, "secret")
