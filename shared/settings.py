"""The only reader of the environment: one frozen object, every problem reported together.

No setting says "I am local": an emulator is chosen by its address alone.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from shared.domain.errors import Misconfigured
from shared.domain.failpoint import Failpoint, failpoints_of
from shared.domain.upkeep import DAY_SECONDS, DEFAULT_RETENTION, LEAST_AUDIT_DAYS, Retention
from shared.settings_rules import GOOGLE_KEYS_URL, broken_rules

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
    """How this process is set up; `variables.py` says what each variable means."""

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

    def days(self, name: str, default: int, least: int = 1) -> int:
        value = self.text(name, str(default))
        fits = value.isascii() and value.isdigit() and least <= int(value[:6]) <= MAX_DAYS
        wanted = f"{least} to {MAX_DAYS} days"
        return int(value) if self._checked(name, value, fits, wanted) else default

    def _checked(self, name: str, value: str, fits: bool, wanted: str) -> bool:
        if not fits:
            self.problems.append(f"{name} is {value!r}; it must be {wanted}")
        return fits


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that `environ` holds.

    Raises: Misconfigured with every problem, one a line.
    """
    read = _Reader(environ)
    on_cloud_run = bool(read.text("K_SERVICE"))
    production = read.flag("CLOUDTASKER_PRODUCTION") or on_cloud_run
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
            read.days("CLOUDTASKER_KEEP_AUDIT_DAYS", 400, LEAST_AUDIT_DAYS) * DAY_SECONDS,
        ),
        smtp=_smtp(read),
        webhook_secret=read.text("CLOUDTASKER_WEBHOOK_SECRET"),
        webhook_allow=_places(read),
        blobs_url=_blobs_url(read),
        state_file=Path(read.text("CLOUDTASKER_STATE", ".cloudtasker/state.json")),
    )
    problems = read.problems + broken_rules(settings, on_cloud_run=on_cloud_run)
    if problems:
        raise Misconfigured("\n".join(problems))
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
