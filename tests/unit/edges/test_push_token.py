"""S1, S2: whoever is not the expected service account of Google's is refused, for each reason."""

from collections.abc import Iterator
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Misconfigured, Unauthenticated
from shared.edges.id_token import MARKER
from shared.edges.issuer_keys import IssuerKeys
from shared.edges.push_token import push_token_check
from shared.settings import Settings
from tests.support.tokens import (
    AUDIENCE,
    EMAIL,
    KEY_ID,
    KeyServer,
    claims,
    hs256,
    key_server,
    part,
    private_key,
    token,
)
from tests.support.unhurried import unhurried

NOW = 1_790_000_000.0
HEADER = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
SETTINGS = Settings(push_audience=AUDIENCE, push_service_account=EMAIL)


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture
def check(keys):
    settings = replace(SETTINGS, push_issuer_keys_url=keys.url)
    return push_token_check(settings, now=lambda: NOW)


def good(**changes):
    return token(claims(NOW, **changes))


def resigned(header, said=None):
    """A token with this exact header, honestly signed with the issuer's key."""
    signed = f"{part({**HEADER, **header})}.{part(said if said is not None else claims(NOW))}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        signed.encode(), private_key()
    )
    return f"{signed}.{part(signature)}"


def public_pem():
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key().public_key().public_bytes(serialization.Encoding.PEM, form)


def public_der():
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key().public_key().public_bytes(serialization.Encoding.DER, form)


def with_parts(header=None, payload=None, signature=None):
    parts = good().split(".")
    changed = [header, payload, signature]
    return ".".join(
        new if new is not None else old for new, old in zip(changed, parts, strict=True)
    )


def es256():
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims(NOW), key, "ES256", headers={"kid": KEY_ID})


def own_jwk():
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(private_key("mallory").public_key(), as_dict=True)
    headers = {"kid": "mallory", "jwk": entry, "jku": "http://127.0.0.1:1/keys", "x5u": "x"}
    return jwt.encode(claims(NOW), private_key("mallory"), "RS256", headers=headers)


FORGED = {
    "no header": lambda: None,
    "empty header": lambda: "",
    "only the scheme": lambda: "Bearer",
    "scheme and a blank": lambda: "Bearer ",
    "basic": lambda: "Basic dXNlcjpwYXNz",
    "token without a scheme": good,
    "garbage": lambda: "Bearer garbage",
    "three garbage parts": lambda: "Bearer a.b.c",
    "two parts": lambda: "Bearer " + good().rpartition(".")[0],
    "four parts": lambda: "Bearer " + good() + ".x",
    "two tokens": lambda: f"Bearer {good()} {good()}",
    "not ascii": lambda: "Bearer " + good() + "é",
    "over 8 KB": lambda: "Bearer " + good(filler="x" * 8000),
    "alg none, no signature": lambda: "Bearer " + with_parts(part({"alg": "none"}), None, ""),
    "alg none, old signature": lambda: "Bearer " + with_parts(part({**HEADER, "alg": "none"})),
    "alg nOnE": lambda: "Bearer " + with_parts(part({**HEADER, "alg": "nOnE"}), None, ""),
    "alg missing": lambda: "Bearer " + with_parts(part({"kid": KEY_ID})),
    "alg a list": lambda: "Bearer " + with_parts(part({**HEADER, "alg": ["RS256"]})),
    "alg rs256": lambda: "Bearer " + resigned({"alg": "rs256"}),
    "HS256 with the public PEM": lambda: (
        "Bearer " + hs256({**HEADER, "alg": "HS256"}, claims(NOW), public_pem())
    ),
    "HS256 with the public DER": lambda: (
        "Bearer " + hs256({**HEADER, "alg": "HS256"}, claims(NOW), public_der())
    ),
    "HS256 that says RS256": lambda: "Bearer " + hs256(HEADER, claims(NOW), public_pem()),
    "RS512, right key": lambda: (
        "Bearer " + jwt.encode(claims(NOW), private_key(), "RS512", headers={"kid": KEY_ID})
    ),
    "PS256, right key": lambda: (
        "Bearer " + jwt.encode(claims(NOW), private_key(), "PS256", headers={"kid": KEY_ID})
    ),
    "ES256": lambda: "Bearer " + es256(),
    "wrong key, known kid": lambda: "Bearer " + token(claims(NOW), signed_with="mallory"),
    "unknown kid": lambda: "Bearer " + token(claims(NOW), "mallory"),
    "no kid": lambda: "Bearer " + jwt.encode(claims(NOW), private_key(), "RS256"),
    "kid a list": lambda: "Bearer " + with_parts(part({**HEADER, "kid": [KEY_ID]})),
    "kid with a path": lambda: "Bearer " + resigned({"kid": "../../key-1"}),
    "key in its own header": lambda: "Bearer " + own_jwk(),
    "critical extension": lambda: "Bearer " + resigned({"crit": ["exp2"], "exp2": 1}),
    "detached payload": lambda: "Bearer " + resigned({"b64": False, "crit": ["b64"]}),
    "changed payload": lambda: "Bearer " + with_parts(None, part(claims(NOW, sub="2"))),
    "changed header": lambda: "Bearer " + with_parts(part({**HEADER, "typ": "at+jwt"})),
    "cut signature": lambda: "Bearer " + good()[:-8],
    "no signature": lambda: "Bearer " + with_parts(None, None, ""),
    "the platform's marker": lambda: "Bearer " + with_parts(None, None, MARKER),
    "payload not JSON": lambda: "Bearer " + resigned({}, b"\xff{"),
    "payload a list": lambda: "Bearer " + resigned({}, [1]),
    "header a list": lambda: "Bearer " + with_parts(part([HEADER])),
    "header deeply nested": lambda: "Bearer " + with_parts(part(b"[" * 2000 + b"]" * 2000)),
}

WRONG_CLAIMS = {
    "audience of another function": {"aud": "https://other.example.com"},
    "audience with a slash": {"aud": AUDIENCE + "/"},
    "audience in a list": {"aud": [AUDIENCE]},
    "audience in capitals": {"aud": AUDIENCE.upper()},
    "no audience": {"aud": None},
    "another service account": {"email": "evil@cloudtasker-local.iam.gserviceaccount.com"},
    "e-mail in capitals": {"email": EMAIL.upper()},
    "no e-mail": {"email": None},
    "e-mail not verified": {"email_verified": False},
    "e-mail verified in words": {"email_verified": "true"},
    "e-mail verified 1": {"email_verified": 1},
    "nothing of verification": {"email_verified": None},
    "another issuer": {"iss": "https://accounts.example.com"},
    "issuer over http": {"iss": "http://accounts.google.com"},
    "issuer with a slash": {"iss": "https://accounts.google.com/"},
    "issuers in a list": {"iss": ["https://accounts.google.com"]},
    "no issuer": {"iss": None},
    "expired 61 s ago": {"exp": NOW - 61},
    "no expiry": {"exp": None},
    "expiry in words": {"exp": "tomorrow"},
    "expiry true": {"exp": True},
    "expiry infinite": {"exp": float("inf")},
    "expiry not a number": {"exp": float("nan")},
    "expiry in a far age": {"exp": 10**400},
    "issued 61 s from now": {"iat": NOW + 61, "exp": NOW + 3600},
    "no time of issue": {"iat": None},
    "not before 61 s from now": {"nbf": NOW + 61},
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(check, name):
    with pytest.raises(Unauthenticated):
        await check.check(FORGED[name]())


@pytest.mark.parametrize("name", WRONG_CLAIMS)
async def test_a_signed_token_with_a_wrong_claim_is_refused(check, name):
    with pytest.raises(Unauthenticated):
        await check.check(f"Bearer {resigned({}, claims(NOW, **WRONG_CLAIMS[name]))}")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"iss": "accounts.google.com"},
        {"exp": NOW - 59},
        {"exp": NOW - 60},
        {"iat": NOW + 59},
        {"nbf": NOW + 59},
        {"exp": NOW + 3600.5},
    ],
)
async def test_a_good_token_is_accepted(check, changes):
    await check.check(f"Bearer {good(**changes)}")


async def test_the_tokens_of_the_tables_are_refused_for_what_their_names_say(check):
    await check.check(f"Bearer {resigned({})}")
    await push_token_check(PLATFORM, now=lambda: NOW).check(f"Bearer {marked(claims(NOW))}")


async def test_the_scheme_may_be_written_in_any_case(check):
    await check.check(f"bearer {good()}")


async def test_a_refusal_never_holds_the_token(check):
    forged = token(claims(NOW), signed_with="mallory")

    with pytest.raises(Unauthenticated) as refused:
        await check.check(f"Bearer {forged}")

    assert not any(section in str(refused.value) for section in forged.split("."))


@pytest.mark.parametrize("name", ["alg none, old signature", "HS256 with the public PEM", "ES256"])
async def test_a_token_of_another_algorithm_does_not_even_make_us_ask_for_a_key(name):
    with key_server() as server:
        settings = replace(SETTINGS, push_issuer_keys_url=server.url)
        with pytest.raises(Unauthenticated, match="algorithm"):
            await push_token_check(settings, now=lambda: NOW).check(FORGED[name]())

        assert server.fetches == 0


async def test_a_remembered_token_is_refused_once_it_has_expired(keys):
    now = [NOW]
    settings = replace(SETTINGS, push_issuer_keys_url=keys.url)
    check = push_token_check(settings, now=lambda: now[0])
    header = f"Bearer {good()}"
    await check.check(header)

    now[0] = NOW + 3600 + 60
    await check.check(header)
    now[0] = NOW + 3600 + 61
    with pytest.raises(Unauthenticated):
        await check.check(header)


async def test_a_remembered_token_is_refused_once_its_key_is_another():
    now = [1000.0]
    with key_server() as server:
        keys = IssuerKeys(server.url, clock=lambda: now[0])
        check = push_token_check(SETTINGS, keys=keys, now=lambda: NOW)
        header = f"Bearer {good()}"
        await check.check(header)
        server.body = server.body.replace(modulus().encode(), modulus("mallory").encode())
        now[0] += 3600
        await check.check(header)
        await keys._fetching

        with pytest.raises(Unauthenticated):
            await check.check(header)


async def test_many_different_tokens_are_not_all_remembered(check):
    for n in range(70):
        await check.check(f"Bearer {good(sub=str(n))}")

    assert len(check._remembered) == 64


def modulus(name=KEY_ID):
    return jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)["n"]


PLATFORM = replace(SETTINGS, push_auth="platform")


def marked(said):
    return f"{part(HEADER)}.{part(said)}.{MARKER}"


async def test_behind_the_platform_the_marker_stands_for_the_signature():
    check = push_token_check(PLATFORM, now=lambda: NOW)

    await check.check(f"Bearer {marked(claims(NOW))}")


@pytest.mark.parametrize("name", WRONG_CLAIMS)
async def test_behind_the_platform_the_claims_are_checked_all_the_same(name):
    check = push_token_check(PLATFORM, now=lambda: NOW)

    with pytest.raises(Unauthenticated):
        await check.check(f"Bearer {marked(claims(NOW, **WRONG_CLAIMS[name]))}")


@pytest.mark.parametrize(
    "broken", [good, lambda: with_parts(None, None, ""), lambda: f"{part([])}.%%.{MARKER}"]
)
async def test_behind_the_platform_a_token_without_the_marker_is_refused(broken):
    check = push_token_check(PLATFORM, now=lambda: NOW)

    with pytest.raises(Unauthenticated):
        await check.check(f"Bearer {broken()}")


async def test_without_push_auth_no_token_is_needed():
    check = push_token_check(Settings(push_auth="none"))

    await check.check(None)


@pytest.mark.parametrize("mode", ["signature", "platform"])
def test_the_audience_and_the_email_to_expect_must_be_set(mode):
    with pytest.raises(Misconfigured, match=r"PUSH_AUDIENCE and .*PUSH_SERVICE_ACCOUNT"):
        push_token_check(Settings(push_auth=mode))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "certs", "http://", "http://h:99999999/"])
def test_the_address_of_the_keys_must_be_one_of_http(url):
    with pytest.raises(Misconfigured, match="PUSH_ISSUER_KEYS_URL"):
        push_token_check(replace(SETTINGS, push_issuer_keys_url=url))


@unhurried
@given(st.text() | st.binary().map(lambda raw: f"Bearer {part(raw)}.{part(raw)}.{part(raw)}"))
async def test_whatever_a_header_holds_it_is_refused_and_nothing_breaks(header):
    for settings in (SETTINGS, PLATFORM):
        with pytest.raises(Unauthenticated):
            await push_token_check(settings).check(header)


@unhurried
@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "email", "email_verified", "iat", "exp", "nbf"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
async def test_whatever_a_claim_holds_it_is_refused_and_nothing_breaks(wrong):
    said = {**claims(NOW), "email_verified": False, **wrong}
    if said["email_verified"] is True:
        said["aud"] = "another"

    with pytest.raises(Unauthenticated):
        await push_token_check(PLATFORM, now=lambda: NOW).check(f"Bearer {marked(said)}")


def test_the_table_of_forged_tokens_is_long_enough():
    assert len(FORGED) >= 25
