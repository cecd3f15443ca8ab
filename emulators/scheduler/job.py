"""What a job is, read and checked from the configuration file. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulators.scheduler.cron import EveryMinutes

_KNOWN = {
    "name",
    "schedule",
    "uri",
    "method",
    "body",
    "headers",
    "oidc",
    "attempt_deadline_seconds",
    "retry",
}


@dataclass(frozen=True)
class Oidc:
    """Whose token a call carries, and for whom it is meant."""

    service_account_email: str
    audience: str


@dataclass(frozen=True)
class Retry:
    """Attempts after a failed one; the pause doubles from the smallest to the largest."""

    count: int = 0
    min_backoff_seconds: float = 5
    max_backoff_seconds: float = 3600

    def pause(self, attempt: int) -> float:
        """Seconds to wait after attempt number `attempt`, counted from 1, failed."""
        doubled: float = self.min_backoff_seconds * 2.0 ** (attempt - 1)
        return min(self.max_backoff_seconds, doubled)


@dataclass(frozen=True)
class Job:
    """One HTTP target and when to call it."""

    name: str
    schedule: EveryMinutes
    uri: str
    method: str = "POST"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    oidc: Oidc | None = None
    attempt_deadline_seconds: float = 180
    retry: Retry = Retry()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Job":
        """Read one job.

        Raises:
            ValueError: a field is unknown, missing or out of range.
        """
        if unknown := sorted(set(config) - _KNOWN):
            raise ValueError(f"unknown field {unknown[0]!r} in a job; known: {sorted(_KNOWN)}")
        if missing := sorted({"name", "schedule", "uri"} - set(config)):
            raise ValueError(f"a job lacks {missing[0]!r}")
        read = dict(config) | {"schedule": EveryMinutes.parse(config["schedule"])}
        try:
            if config.get("oidc"):
                read["oidc"] = Oidc(**config["oidc"])
            if "retry" in config:
                read["retry"] = Retry(**config["retry"])
        except TypeError as error:
            raise ValueError(f"job {config['name']!r}: {error}") from error
        return cls(**read)

    def headers_at(self, scheduled: datetime, token: str) -> dict[str, str]:
        """The headers of a call, as Cloud Scheduler sends them."""
        standard = {
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": self.name,
            "X-CloudScheduler-ScheduleTime": scheduled.isoformat().replace("+00:00", "Z"),
        }
        if self.body:
            standard["Content-Type"] = "application/octet-stream"
        if token:
            standard["Authorization"] = f"Bearer {token}"
        return standard | dict(self.headers)
