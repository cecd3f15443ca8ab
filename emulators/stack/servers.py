"""The servers below the product: ours or the user's own, and where each of them is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from emulators.stack import environment, postgres, valkey
from emulators.stack.environment import Addresses
from emulators.stack.layout import Layout
from emulators.stack.options import External
from emulators.stack.placement import Placement, place
from emulators.stack.ports import HOST
from emulators.stack.postgres import Postgres
from emulators.stack.prepare import POSTGRES, VALKEY
from emulators.stack.valkey import Valkey


@dataclass(frozen=True)
class Found:
    """What there is to start; None or empty: the user has one."""

    postgres: Placement | None
    valkey: Path | None
    # The HTTP side of the user's own emulator; empty if it has none, or if the emulator is ours.
    pubsub_http: str


@dataclass(frozen=True)
class Servers:
    """The servers of one run. Postgres and Valkey are None when they are the user's own."""

    postgres: Postgres | None
    valkey: Valkey | None
    own_pubsub: bool
    addresses: Addresses

    @property
    def database_place(self) -> str:
        """Host and port, without the password of the URL."""
        return _place(self.addresses.database_url)

    @property
    def redis_place(self) -> str:
        """Host and port, without the password of the URL."""
        return _place(self.addresses.redis_url)


def find(data_dir: Path, external: External, inherited: Mapping[str, str]) -> Found:
    """Look for what will be needed, before any port is taken.

    Raises:
        StackError: CT101, a server is not installed; CT105, root cannot run Postgres; CT108, the
            user's emulator cannot be used.
    """
    cluster = None
    if not external.database_url:
        cluster = place(postgres.find_binaries(inherited), data_dir / POSTGRES)
    return Found(
        cluster,
        None if external.redis_url else valkey.find_binary(inherited),
        environment.pubsub_http_of(external, inherited) if external.pubsub else "",
    )


def of_run(
    found: Found, external: External, layout: Layout, data_dir: Path, note: Callable[[str], None]
) -> Servers:
    """The servers on the ports of this run."""
    cluster = Postgres(found.postgres, layout.postgres, note) if found.postgres else None
    cache = Valkey(found.valkey, data_dir / VALKEY, layout.redis) if found.valkey else None
    addresses = Addresses(
        database_url=cluster.url if cluster else external.database_url,
        redis_url=cache.url if cache else external.redis_url,
        pubsub=external.pubsub or f"{HOST}:{layout.pubsub}",
        pubsub_http=found.pubsub_http if external.pubsub else f"http://{HOST}:{layout.pubsub_http}",
        smtp_port=layout.smtp,
    )
    return Servers(cluster, cache, not external.pubsub, addresses)


def _place(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
