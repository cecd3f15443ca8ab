"""P18: what the check of a push's token costs beside the task that it lets in.

The stack cannot run without the check, so its CPU is taken by itself: the product's own check with
the running emulator's own token and keys, as often as a process makes it.
"""

import asyncio
import time
from typing import Final

from shared.edges.id_token import IdTokenCheck
from shared.edges.issuer_keys import IssuerKeys
from shared.edges.token_claims import Expected
from tests.bench.queue.ours import Ours

CHECKS: Final = 5000


def token_seconds(ours: Ours, *, known: bool) -> float:
    """CPU seconds of one check: of a token that was seen before, as nearly all are (Pub/Sub sends
    one for up to an hour), or of a new one, whose signature is verified."""
    state = ours.stack.state
    authorization = f"Bearer {ours.stack.cli('token', 'noop').stdout.strip()}"
    expected = Expected.one(state["functions"]["noop"], state["push_service_account"])
    url = f"{state['pubsub_http']}/oauth2/v3/certs"

    async def work() -> float:
        keys = IssuerKeys(url)
        check = IdTokenCheck("signature", expected, url, keys=keys)
        await check.check(authorization)  # the keys are fetched here, once an hour or so
        began = time.process_time()
        for _ in range(CHECKS):
            one = check if known else IdTokenCheck("signature", expected, url, keys=keys)
            await one.check(authorization)
        return (time.process_time() - began) / CHECKS

    return asyncio.run(work())
