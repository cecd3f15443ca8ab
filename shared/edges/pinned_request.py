"""One HTTP request to a target that the address guard has checked, without another look-up."""

import logging
import ssl
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from pydantic import HttpUrl

from shared.edges.address_guard import Target

if TYPE_CHECKING:
    import httpx


@cache
def system_tls() -> ssl.SSLContext:
    """Loading the certificate authorities costs tens of milliseconds, so it is done once."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


async def send_pinned(
    client: "httpx.AsyncClient",
    method: str,
    url: HttpUrl,
    target: Target,
    headers: Mapping[str, str],
    content: bytes | None = None,
) -> "httpx.Response":
    """The answer, its body unread, of the first of the target's addresses that is not deaf.

    The request names the host, in `Host` and for TLS; the connection goes to the address.
    Raises: httpx.TransportError.
    """
    import httpx

    # httpx logs each URL, and a URL may hold a secret.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    named = httpx.URL(str(url))
    failure: httpx.TransportError = httpx.ConnectError("no address")
    for address in target.addresses:
        request = client.build_request(
            method,
            named.copy_with(host=address),
            content=content,
            headers={**headers, "Host": named.netloc.decode()},
            extensions={"sni_hostname": target.host},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as deaf:
            failure = deaf
    raise failure
