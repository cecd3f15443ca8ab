"""Settings: every problem at once, and what production refuses."""

import pytest

from shared.domain.errors import Misconfigured
from shared.settings import Settings, read_settings
from shared.variables import VARIABLES


def problems(**environ: str) -> str:
    with pytest.raises(Misconfigured) as wrong:
        read_settings(environ)
    return str(wrong.value)


def test_an_empty_environment_is_a_local_one():
    settings = read_settings({})
    assert (settings.auth, settings.push_auth, settings.production) == ("none", "signature", False)


def test_all_problems_are_reported_together():
    said = problems(
        CLOUDTASKER_AUTH="maybe", CLOUDTASKER_PUSH_AUTH="no", PORT="x", CLOUDTASKER_LOG="loud"
    )
    names = ("CLOUDTASKER_AUTH", "CLOUDTASKER_PUSH_AUTH", "PORT", "CLOUDTASKER_LOG")
    assert [line.split()[0] for line in said.splitlines()] == sorted(
        names, key=lambda name: said.index(name)
    )
    assert len(said.splitlines()) == 4


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"PUBSUB_EMULATOR_HOST": "127.0.0.1:8085"}, "PUBSUB_EMULATOR_HOST"),
        ({"CLOUDTASKER_PUSH_ISSUER_KEYS_URL": "http://evil/"}, "CLOUDTASKER_PUSH_ISSUER_KEYS_URL"),
        ({"CLOUDTASKER_TASK_OVERRIDES": "x.yaml"}, "CLOUDTASKER_TASK_OVERRIDES"),
        ({"CLOUDTASKER_FAILPOINTS": "api_after_commit=crash"}, "CLOUDTASKER_FAILPOINTS"),
        ({"CLOUDTASKER_PUSH_AUTH": "none"}, "CLOUDTASKER_PUSH_AUTH=none"),
    ],
)
@pytest.mark.parametrize("production", [{"K_SERVICE": "f"}, {"CLOUDTASKER_PRODUCTION": "1"}])
def test_production_refuses_what_is_only_for_local(environ, name, production):
    assert name in problems(GOOGLE_CLOUD_PROJECT="p", **environ, **production)


def test_production_needs_a_project():
    assert "GOOGLE_CLOUD_PROJECT" in problems(K_SERVICE="f")


def test_push_without_tokens_needs_an_emulator_and_loopback():
    emulator = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:8085", "CLOUDTASKER_PUSH_AUTH": "none"}
    assert "loopback HOST" in problems(**emulator)
    assert read_settings({**emulator, "HOST": "127.0.0.1"}).push_auth == "none"
    assert "PUBSUB_EMULATOR_HOST" in problems(CLOUDTASKER_PUSH_AUTH="none", HOST="127.0.0.1")


def test_the_platform_is_trusted_only_on_the_platform():
    assert "K_SERVICE" in problems(CLOUDTASKER_PUSH_AUTH="platform")
    on_cloud_run = {"CLOUDTASKER_PUSH_AUTH": "platform", "K_SERVICE": "f"}
    assert read_settings({**on_cloud_run, "GOOGLE_CLOUD_PROJECT": "p"}).push_auth == "platform"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("smtp://mail:26", ("mail", 26, False)),
        ("smtps://u:p@mail", ("mail", 465, True)),
        ("smtp://mail", ("mail", 25, False)),
    ],
)
def test_an_smtp_url_is_read(url, wanted):
    smtp = read_settings({"CLOUDTASKER_SMTP_URL": url}).smtp
    assert (smtp.host, smtp.port, smtp.tls) == wanted


@pytest.mark.parametrize("url", ["mail:25", "http://mail", "smtp://", "smtp://mail:x"])
def test_what_is_no_smtp_url_is_refused(url):
    assert "CLOUDTASKER_SMTP_URL" in problems(CLOUDTASKER_SMTP_URL=url)


def test_secrets_have_no_repr():
    shown = repr(Settings(database_url="secret-1", redis_url="secret-2", webhook_secret="secret-3"))
    assert "secret" not in shown


def test_every_variable_that_is_read_is_documented():
    asked: set[str] = set()

    class Recorder(dict):
        def get(self, name, default=None):
            asked.add(name)
            return default

    read_settings(Recorder())
    assert asked - {"K_SERVICE"} == {variable.name for variable in VARIABLES}


def test_a_password_in_the_smtp_url_may_hold_any_character():
    smtp = read_settings({"CLOUDTASKER_SMTP_URL": "smtps://u%40x:p%3A%40@mail"}).smtp
    assert (smtp.user, smtp.password) == ("u@x", "p:@")


@pytest.mark.parametrize("place", ["127.0.0.1", "http://a:1", "a:b", ":80"])
def test_a_place_that_webhooks_may_reach_is_host_and_port(place):
    assert "CLOUDTASKER_WEBHOOK_ALLOW" in problems(CLOUDTASKER_WEBHOOK_ALLOW=f"a.b:443,{place}")
    allowed = read_settings({"CLOUDTASKER_WEBHOOK_ALLOW": "Localhost:9000, [::1]:1"})
    assert allowed.webhook_allow == ("localhost:9000", "[::1]:1")


def test_a_sender_holds_an_address():
    assert "CLOUDTASKER_SMTP_SENDER" in problems(CLOUDTASKER_SMTP_SENDER="nobody")


@pytest.mark.parametrize("url", ["blobs", "s3://bucket", "file://relative", "gs://"])
def test_blobs_go_to_a_folder_or_a_bucket(url):
    assert "CLOUDTASKER_BLOBS_URL" in problems(CLOUDTASKER_BLOBS_URL=url)
    assert read_settings({"CLOUDTASKER_BLOBS_URL": "gs://b-1/x"}).blobs_url == "gs://b-1/x"


KEEP = {
    "CLOUDTASKER_KEEP_DAYS": ("succeeded_seconds", 7, 1),
    "CLOUDTASKER_KEEP_DEAD_DAYS": ("dead_seconds", 30, 1),
    "CLOUDTASKER_KEEP_AUDIT_DAYS": ("audit_seconds", 400, 30),
}


@pytest.mark.parametrize("name", KEEP)
def test_each_retention_has_a_default_a_least_and_a_most(name):
    field, default, least = KEEP[name]
    assert getattr(read_settings({}).retention, field) == default * 86400
    for days in (least, 3650):
        assert getattr(read_settings({name: str(days)}).retention, field) == days * 86400
    for wrong in (str(least - 1), "3651", "-1", "x", "1.5"):
        assert f"it must be {least} to 3650 days" in problems(**{name: wrong})
