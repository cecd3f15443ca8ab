"""The only reader of the environment: one frozen object, every problem reported together.

No setting says "I am local": an emulator is chosen by its address alone.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from shared.domain.errors import Misconfigured
from shared.domain.failpoint import Failpoint, failpoints_of
from shared.domain.upkeep import DAY_SECONDS, DEFAULT_RETENTION, Retention

GOOGLE_KEYS_URL: Final = "https://www.googleapis.com/oauth2/v3/certs"
DEFAULT_SENDER: Final = "CloudTasker <no-reply@example.com>"
AUTH_CHOICES: Final = ("none", "keys", "google")
PUSH_AUTH_CHOICES: Final = ("signature", "platform", "none")
LOG_CHOICES: Final = ("json", "pretty")
MAX_DAYS: Final = 3650
_BLOBS_URL: Final = re.compile(r"file:///.+|gs://[a-z0-9].+")
_PLACE: Final = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9.-]+):[0-9]{1,5}")
ROOT: Final = Path(__file__).resolve().parent.parent
"""The folder that holds `functions/`: the checkout, or the unpacked archive."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where e-mail goes: `smtp://[user:password@]host:port` or `smtps://…`."""

    host: str = "127.0.0.1"
    port: int = 1025
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = DEFAULT_SENDER


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process is set up; see the table in the README."""

    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    redis_ca: str = ""
    project: str = "cloudtasker-local"
    pubsub_emulator_host: str = ""
    auth: str = ""
    auth_audiences: tuple[str, ...] = ()
    auth_callers: tuple[str, ...] = ()
    auth_gateway: str = ""
    api_key: str = field(default="", repr=False)
    push_auth: str = "signature"
    push_issuer_keys_url: str = GOOGLE_KEYS_URL
    push_service_account: str = ""
    push_audience: str = ""
    production: bool = False
    log: str = "json"
    host: str = "0.0.0.0"  # noqa: S104 - what Cloud Run demands; the local stack says 127.0.0.1
    port: int = 50051
    reflection: bool = False
    task_overrides: Path | None = None
    failpoints: tuple[Failpoint, ...] = ()
    retention: Retention = DEFAULT_RETENTION
    smtp: Smtp = Smtp()
    webhook_secret: str = field(default="", repr=False)
    webhook_allow: tuple[str, ...] = ()
    blobs_url: str = ""
    state_file: Path = Path(".cloudtasker/state.json")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment: what it is called, and what the README says of it."""

    name: str
    default: str
    meaning: str


VARIABLES: Final = (
    Variable(
        "CLOUDTASKER_DATABASE_URL",
        "",
        "Postgres, as `postgresql+pg8000://user@host/name`, or Cloud SQL with an IAM user, as "
        "`cloudsql+pg8000://user@/name?instance=project:region:instance`",
    ),
    Variable("CLOUDTASKER_REDIS_URL", "", "Redis or Valkey; without it nothing is cached"),
    Variable(
        "CLOUDTASKER_REDIS_CA",
        "the system's",
        "certificate (PEM) that a `rediss://` server's own must be signed by",
    ),
    Variable(
        "CLOUDTASKER_AUTH",
        "none outside production",
        "who may call the API: `none`, `keys` or `google`; must be chosen in production",
    ),
    Variable(
        "CLOUDTASKER_AUTH_AUDIENCES", "", "with `google`: audiences of callers' tokens, by commas"
    ),
    Variable("CLOUDTASKER_AUTH_CALLERS", "", "with `google`: e-mails that may call, by commas"),
    Variable(
        "CLOUDTASKER_AUTH_GATEWAY",
        "",
        "e-mail of API Gateway's account: beside its token the caller's own is "
        "`X-Forwarded-Authorization`; needs `CLOUDTASKER_PUSH_AUDIENCE`",
    ),
    Variable("CLOUDTASKER_API_KEY", "", "the key that the command line calls with"),
    Variable(
        "CLOUDTASKER_PUSH_AUTH",
        "signature",
        "how push tokens are checked: `signature`, `platform` (behind Cloud Run's own check), or "
        "`none` (an emulator that sends no token, on loopback)",
    ),
    Variable("CLOUDTASKER_PUSH_ISSUER_KEYS_URL", "Google's", "where the keys of push tokens are"),
    Variable("CLOUDTASKER_PUSH_SERVICE_ACCOUNT", "", "the only e-mail a push token may carry"),
    Variable("CLOUDTASKER_PUSH_AUDIENCE", "", "the only audience a push token may carry"),
    Variable("CLOUDTASKER_PRODUCTION", "set by `K_SERVICE`", "`1` refuses what is only for local"),
    Variable("CLOUDTASKER_LOG", "json", "`json` (Cloud Logging's fields) or `pretty`"),
    Variable("CLOUDTASKER_TASK_OVERRIDES", "", "a YAML file that changes limits; for tests only"),
    Variable(
        "CLOUDTASKER_FAILPOINTS",
        "",
        "`point=crash`, `=raise` or `=sleep:SECONDS`, each with `@nth` or not, by semicolons: "
        "where a process shall fail; for tests only",
    ),
    Variable(
        "CLOUDTASKER_KEEP_DAYS",
        "7",
        "how long the relay keeps succeeded, cancelled and expired tasks after their end",
    ),
    Variable("CLOUDTASKER_KEEP_DEAD_DAYS", "30", "the same for dead tasks and raw dead letters"),
    Variable("CLOUDTASKER_SMTP_URL", "smtp://127.0.0.1:1025", "the server that takes e-mail"),
    Variable("CLOUDTASKER_SMTP_SENDER", "CloudTasker <no-reply@example.com>", "the From of e-mail"),
    Variable(
        "CLOUDTASKER_WEBHOOK_SECRET", "", "signs webhooks; without it they carry no signature"
    ),
    Variable(
        "CLOUDTASKER_WEBHOOK_ALLOW",
        "",
        "`host:port,…` that webhooks may reach though private or plain http",
    ),
    Variable(
        "CLOUDTASKER_BLOBS_URL",
        "",
        "where payloads above 256 KB and thumbnails go, as `file:///folder` or `gs://bucket`; "
        "without it a body is at most 1 MB",
    ),
    Variable("CLOUDTASKER_GRPC_REFLECTION", "", "`1` lets gRPC clients list the services"),
    Variable("CLOUDTASKER_STATE", ".cloudtasker/state.json", "where the command line looks"),
    Variable(
        "PUBSUB_EMULATOR_HOST", "", "`host:port` of a Pub/Sub emulator; refused in production"
    ),
    Variable(
        "GOOGLE_CLOUD_PROJECT", "cloudtasker-local", "the project of topics and subscriptions"
    ),
    Variable("HOST", "0.0.0.0", "the address that a server binds to"),  # noqa: S104
    Variable("PORT", "50051 (gateway), 8080 (functions)", "the port that a server binds to"),
)


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name) or default

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        return self._checked(
            name, value, value in ("", "0", "1", "false", "true"), "0 or 1"
        ) and value in ("1", "true")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        self._checked(name, value, value in choices or not value, " or ".join(choices))
        return value

    def port(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        fits = value.isdigit() and 0 <= int(value) <= 65535
        return int(value) if self._checked(name, value, fits, "a port, 0 to 65535") else default

    def days(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        fits = value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= MAX_DAYS
        return int(value) if self._checked(name, value, fits, f"1 to {MAX_DAYS} days") else default

    def _checked(self, name: str, value: str, fits: bool, wanted: str) -> bool:
        if not fits:
            self.problems.append(f"{name} is {value!r}; it must be {wanted}")
        return fits


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `environ` holds.

    Raises: Misconfigured with every problem, one a line.
    """
    read = _Reader(environ)
    production = read.flag("CLOUDTASKER_PRODUCTION") or bool(read.text("K_SERVICE"))
    overrides = read.text("CLOUDTASKER_TASK_OVERRIDES")
    settings = Settings(
        database_url=read.text("CLOUDTASKER_DATABASE_URL"),
        redis_url=read.text("CLOUDTASKER_REDIS_URL"),
        redis_ca=read.text("CLOUDTASKER_REDIS_CA"),
        project=read.text("GOOGLE_CLOUD_PROJECT", "" if production else "cloudtasker-local"),
        pubsub_emulator_host=read.text("PUBSUB_EMULATOR_HOST"),
        auth=read.choice("CLOUDTASKER_AUTH", "" if production else "none", AUTH_CHOICES),
        auth_audiences=_listed(read.text("CLOUDTASKER_AUTH_AUDIENCES")),
        auth_callers=_listed(read.text("CLOUDTASKER_AUTH_CALLERS")),
        auth_gateway=read.text("CLOUDTASKER_AUTH_GATEWAY"),
        api_key=read.text("CLOUDTASKER_API_KEY"),
        push_auth=read.choice("CLOUDTASKER_PUSH_AUTH", "signature", PUSH_AUTH_CHOICES),
        push_issuer_keys_url=read.text("CLOUDTASKER_PUSH_ISSUER_KEYS_URL", GOOGLE_KEYS_URL),
        push_service_account=read.text("CLOUDTASKER_PUSH_SERVICE_ACCOUNT"),
        push_audience=read.text("CLOUDTASKER_PUSH_AUDIENCE"),
        production=production,
        log=read.choice("CLOUDTASKER_LOG", "json", LOG_CHOICES),
        host=read.text("HOST", "0.0.0.0"),  # noqa: S104
        port=read.port("PORT", 50051),
        reflection=read.flag("CLOUDTASKER_GRPC_REFLECTION"),
        task_overrides=Path(overrides) if overrides else None,
        failpoints=_failpoints(read),
        retention=Retention(
            read.days("CLOUDTASKER_KEEP_DAYS", 7) * DAY_SECONDS,
            read.days("CLOUDTASKER_KEEP_DEAD_DAYS", 30) * DAY_SECONDS,
        ),
        smtp=_smtp(read),
        webhook_secret=read.text("CLOUDTASKER_WEBHOOK_SECRET"),
        webhook_allow=_places(read),
        blobs_url=_blobs_url(read),
        state_file=Path(read.text("CLOUDTASKER_STATE", ".cloudtasker/state.json")),
    )
    read.problems.extend(problem for rule in _RULES if (problem := rule(settings, read)))
    if read.problems:
        raise Misconfigured("\n".join(read.problems))
    return settings


def _listed(said: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in said.split(",") if part.strip())


def _places(read: _Reader) -> tuple[str, ...]:
    places = _listed(read.text("CLOUDTASKER_WEBHOOK_ALLOW").lower())
    wrong = [place for place in places if not _PLACE.fullmatch(place)]
    if wrong:
        read.problems.append(f"CLOUDTASKER_WEBHOOK_ALLOW has {wrong[0]!r}; it must be host:port")
    return places


def _blobs_url(read: _Reader) -> str:
    url = read.text("CLOUDTASKER_BLOBS_URL")
    if url and not _BLOBS_URL.fullmatch(url):
        read.problems.append(
            f"CLOUDTASKER_BLOBS_URL is {url!r}; it must be file:///folder or gs://bucket"
        )
    return url


def _failpoints(read: _Reader) -> tuple[Failpoint, ...]:
    try:
        return failpoints_of(read.text("CLOUDTASKER_FAILPOINTS"))
    except ValueError as wrong:
        read.problems.append(f"CLOUDTASKER_FAILPOINTS: {wrong}")
        return ()


def _smtp(read: _Reader) -> Smtp:
    url = read.text("CLOUDTASKER_SMTP_URL", "smtp://127.0.0.1:1025")
    sender = read.text("CLOUDTASKER_SMTP_SENDER", DEFAULT_SENDER)
    try:
        parts = urlsplit(url)
        port = parts.port or (465 if parts.scheme == "smtps" else 25)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        read.problems.append("CLOUDTASKER_SMTP_URL must be smtp://host:port or smtps://host:port")
    tls = parts.scheme == "smtps"
    if "@" not in parseaddr(sender)[1]:
        read.problems.append(f"CLOUDTASKER_SMTP_SENDER is {sender!r}; it must hold an address")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Smtp(parts.hostname or "", port, tls, user, password, sender)


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _no_emulator_in_production(settings: Settings, _: _Reader) -> str | None:
    if settings.production and settings.pubsub_emulator_host:
        return "PUBSUB_EMULATOR_HOST is set in production; unset it"
    return None


def _no_foreign_keys_in_production(settings: Settings, _: _Reader) -> str | None:
    if settings.production and settings.push_issuer_keys_url != GOOGLE_KEYS_URL:
        return "CLOUDTASKER_PUSH_ISSUER_KEYS_URL is not Google's in production; unset it"
    return None


def _no_overrides_in_production(settings: Settings, _: _Reader) -> str | None:
    if settings.production and settings.task_overrides:
        return "CLOUDTASKER_TASK_OVERRIDES is for tests and set in production; unset it"
    return None


def _no_failpoints_in_production(settings: Settings, _: _Reader) -> str | None:
    if settings.production and settings.failpoints:
        return "CLOUDTASKER_FAILPOINTS is for tests and set in production; unset it"
    return None


def _platform_needs_cloud_run(settings: Settings, read: _Reader) -> str | None:
    if settings.push_auth == "platform" and not read.text("K_SERVICE"):
        return "CLOUDTASKER_PUSH_AUTH=platform trusts Cloud Run's own check, and K_SERVICE is unset"
    return None


def _no_token_only_for_emulators(settings: Settings, _: _Reader) -> str | None:
    emulated = settings.pubsub_emulator_host and not settings.production
    if settings.push_auth == "none" and not (emulated and _on_loopback(settings.host)):
        return (
            "CLOUDTASKER_PUSH_AUTH=none is for an emulator that sends no token: it needs "
            f"PUBSUB_EMULATOR_HOST and a loopback HOST (HOST is {settings.host})"
        )
    return None


def _google_has_a_list(settings: Settings, _: _Reader) -> str | None:
    wanted = {
        "CLOUDTASKER_AUTH_CALLERS": settings.auth_callers,
        "CLOUDTASKER_AUTH_AUDIENCES": settings.auth_audiences,
    }
    missing = [name for name, value in wanted.items() if not value]
    if settings.auth == "google" and missing:
        return f"CLOUDTASKER_AUTH=google needs {' and '.join(missing)}"
    return None


def _gateway_has_an_audience(settings: Settings, _: _Reader) -> str | None:
    if settings.auth_gateway and not settings.push_audience:
        return (
            "CLOUDTASKER_AUTH_GATEWAY needs CLOUDTASKER_PUSH_AUDIENCE, the audience of the "
            "gateway's own token"
        )
    return None


def _project_is_known(settings: Settings, _: _Reader) -> str | None:
    return None if settings.project else "GOOGLE_CLOUD_PROJECT must be set in production"


_RULES: Final[tuple[Callable[[Settings, _Reader], str | None], ...]] = (
    _no_emulator_in_production,
    _no_foreign_keys_in_production,
    _no_overrides_in_production,
    _no_failpoints_in_production,
    _platform_needs_cloud_run,
    _no_token_only_for_emulators,
    _google_has_a_list,
    _gateway_has_an_audience,
    _project_is_known,
)
