"""POSTs to push endpoints: one connection pool, no redirects, a status or a reason why not."""

import asyncio
from dataclasses import dataclass

import aiohttp

USER_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
ACK_STATUSES = frozenset({102, 200, 201, 202, 204})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: the endpoint's status, or the reason why there is none."""

    status: int | None
    problem: str = ""

    @property
    def acked(self) -> bool:
        """Whether the answer means that the message is done."""
        return self.status in ACK_STATUSES


class PushClient:
    """Keep-alive connections to every endpoint, as many as the windows allow."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Content-Type": "application/json"},
            auto_decompress=False,
        )

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], timeout_seconds: float
    ) -> Outcome:
        """Send one request; a connection that the endpoint had closed is replaced once."""
        try:
            async with asyncio.timeout(timeout_seconds):
                try:
                    return await self._post(url, body, headers)
                except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                    return await self._post(url, body, headers)
        except TimeoutError:
            return Outcome(None, f"no answer within {timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(None, str(error) or type(error).__name__)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        request = self._session.post(url, data=body, headers=headers, allow_redirects=False)
        async with request as response:
            await response.read()  # else the connection could not be used again
            return Outcome(response.status)
