"""A webhook goes through the address guard."""

import pytest

from functions.deliver_webhook.handler import deliver_webhook
from functions.deliver_webhook.payload import DeliverWebhook
from shared.domain.outcome import RejectTask
from tests.unit.edges.hostile_urls import lying_dns


async def test_a_blocked_url_rejects_the_task(context):
    payload = DeliverWebhook(url="https://loopback.example.com/", body={})

    with pytest.raises(RejectTask, match="not on the public internet"):
        await deliver_webhook(payload, context(), resolve=lying_dns)
