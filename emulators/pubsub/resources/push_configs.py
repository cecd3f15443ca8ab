"""A subscription's push configuration: checks and defaults. How a push looks is known elsewhere."""

from urllib.parse import urlsplit

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import PushConfig

VERSION = "x-goog-version"
VERSIONS = ("v1", "v1beta1", "v1beta2")


def complete_push_config(config: PushConfig, *, any_value: bool) -> None:
    """Check a push configuration and fill in the defaults; without an endpoint it means pull.

    Raises: InvalidArgument.
    """
    config.SetInParent()  # a pull subscription shows an empty one
    if not any_value:
        _check_values(config)
    if not config.push_endpoint:
        return
    if not _is_http_url(config.push_endpoint):
        raise InvalidArgument(f"push_endpoint {config.push_endpoint!r} is not an http(s) URL")
    if VERSION not in config.attributes:
        config.attributes[VERSION] = "v1"


def keep_version(config: PushConfig, old: PushConfig) -> None:
    """Let a changed configuration have the version of the old one, unless it brings its own.

    Source: Pub/Sub, `PushConfig.attributes`.
    """
    if config.push_endpoint and VERSION in old.attributes and VERSION not in config.attributes:
        config.attributes[VERSION] = old.attributes[VERSION]


def _check_values(config: PushConfig) -> None:
    version = config.attributes.get(VERSION, "v1")
    if version not in VERSIONS:
        raise InvalidArgument(
            f"push_config.attributes: {VERSION} {version!r} is not one of {', '.join(VERSIONS)}"
        )
    if not config.HasField("oidc_token"):
        return
    if not config.push_endpoint:
        raise InvalidArgument("push_config.oidc_token needs a push_endpoint")
    if not config.oidc_token.service_account_email:
        raise InvalidArgument("push_config.oidc_token.service_account_email is empty")


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    printable = all("!" <= character <= "~" for character in text)
    return printable and url.scheme in ("http", "https") and bool(url.hostname) and port != 0
