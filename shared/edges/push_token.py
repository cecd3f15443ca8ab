"""The check of a push's token, as the settings want it: one audience, one account."""

import time
from collections.abc import Callable

from shared.domain.errors import Misconfigured
from shared.edges.id_token import IdTokenCheck
from shared.edges.issuer_keys import IssuerKeys
from shared.edges.token_claims import Expected
from shared.settings import Settings


def push_token_check(
    settings: Settings,
    *,
    keys: IssuerKeys | None = None,
    now: Callable[[], float] = time.time,
) -> IdTokenCheck:
    """The check that `settings` ask for.

    Raises: Misconfigured when the audience or the e-mail to expect is not set.
    """
    if settings.push_auth != "none":
        _require(settings)
    expected = Expected.one(settings.push_audience, settings.push_service_account)
    return IdTokenCheck(
        settings.push_auth, expected, settings.push_issuer_keys_url, keys=keys, now=now
    )


def _require(settings: Settings) -> None:
    wanted = {
        "CLOUDTASKER_PUSH_AUDIENCE": settings.push_audience,
        "CLOUDTASKER_PUSH_SERVICE_ACCOUNT": settings.push_service_account,
    }
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise Misconfigured(
            f"{' and '.join(missing)} must be set: a push token is accepted for one audience and "
            "one e-mail only"
        )
