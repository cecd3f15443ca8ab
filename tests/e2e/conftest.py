"""One stack for the tests that leave it as they found it, with short back-offs."""

from collections.abc import Iterator

import pytest

from tests.e2e.local_stack import WEBHOOKS, LocalStack, local_stack

OVERRIDES = """
noop: {max_attempts: 5, retry: {by: pubsub, min_seconds: 0.3, max_seconds: 3}}
deliver_webhook: {max_attempts: 5, retry: {by: ledger, min_seconds: 0.5, max_seconds: 4}}
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[LocalStack]:
    """Everything that `cloudtasker dev` starts; webhooks may reach this machine's 127.0.0.1."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "overrides.yaml").write_text(OVERRIDES)
    environ = {
        "CLOUDTASKER_TASK_OVERRIDES": str(folder / "overrides.yaml"),
        "CLOUDTASKER_WEBHOOK_ALLOW": f"127.0.0.1:{WEBHOOKS}",
        "CLOUDTASKER_WEBHOOK_SECRET": "a secret of the test",
    }
    with local_stack(folder, **environ) as running:
        yield running
