"""Which settings do not go together, and what production refuses. Pure."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.settings import Settings

GOOGLE_KEYS_URL: Final = "https://www.googleapis.com/oauth2/v3/certs"
"""Where the keys of push tokens are in production, and nowhere else."""


def broken_rules(settings: "Settings", *, on_cloud_run: bool) -> list[str]:
    """What is wrong with the settings together; each problem names the variable and the fix."""
    return [problem for rule in _RULES if (problem := rule(settings, on_cloud_run))]


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _no_emulator_in_production(settings: "Settings", _: bool) -> str | None:
    if settings.production and settings.pubsub_emulator_host:
        return "PUBSUB_EMULATOR_HOST is set in production; unset it"
    return None


def _no_foreign_keys_in_production(settings: "Settings", _: bool) -> str | None:
    if settings.production and settings.push_issuer_keys_url != GOOGLE_KEYS_URL:
        return "CLOUDTASKER_PUSH_ISSUER_KEYS_URL is not Google's in production; unset it"
    return None


def _no_overrides_in_production(settings: "Settings", _: bool) -> str | None:
    if settings.production and settings.task_overrides:
        return "CLOUDTASKER_TASK_OVERRIDES is for tests and set in production; unset it"
    return None


def _no_failpoints_in_production(settings: "Settings", _: bool) -> str | None:
    if settings.production and settings.failpoints:
        return "CLOUDTASKER_FAILPOINTS is for tests and set in production; unset it"
    return None


def _platform_needs_cloud_run(settings: "Settings", on_cloud_run: bool) -> str | None:
    if settings.push_auth == "platform" and not on_cloud_run:
        return "CLOUDTASKER_PUSH_AUTH=platform trusts Cloud Run's own check, and K_SERVICE is unset"
    return None


def _no_token_only_for_emulators(settings: "Settings", _: bool) -> str | None:
    emulated = settings.pubsub_emulator_host and not settings.production
    if settings.push_auth == "none" and not (emulated and _on_loopback(settings.host)):
        return (
            "CLOUDTASKER_PUSH_AUTH=none is for an emulator that sends no token: it needs "
            f"PUBSUB_EMULATOR_HOST and a loopback HOST (HOST is {settings.host})"
        )
    return None


def _google_has_a_list(settings: "Settings", _: bool) -> str | None:
    wanted = {
        "CLOUDTASKER_AUTH_CALLERS": settings.auth_callers,
        "CLOUDTASKER_AUTH_AUDIENCES": settings.auth_audiences,
    }
    missing = [name for name, value in wanted.items() if not value]
    if settings.auth == "google" and missing:
        return f"CLOUDTASKER_AUTH=google needs {' and '.join(missing)}"
    return None


def _gateway_has_an_audience(settings: "Settings", _: bool) -> str | None:
    if settings.auth_gateway and not settings.push_audience:
        return (
            "CLOUDTASKER_AUTH_GATEWAY needs CLOUDTASKER_PUSH_AUDIENCE, the audience of the "
            "gateway's own token"
        )
    return None


def _project_is_known(settings: "Settings", _: bool) -> str | None:
    return None if settings.project else "GOOGLE_CLOUD_PROJECT must be set in production"


_RULES: Final[tuple[Callable[["Settings", bool], str | None], ...]] = (
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
