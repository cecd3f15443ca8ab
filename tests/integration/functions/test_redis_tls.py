"""A cache behind TLS: only a server that the pinned authority has signed for is talked to."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.adapters.redis import RedisCache
from shared.adapters.redis_connection import RedisConnection
from tests.support.ports import free_port


def authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for 127.0.0.1 that has signed itself, as an instance's own authority does."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made, key


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
async def server(tmp_path: Path):
    """A server that answers PONG to whatever it is told, over TLS; yields its URL and authority."""
    certificate, key = authority("cache")
    both = tmp_path / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both.write_text(pem(certificate) + private.decode())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(4096):
            for _ in range(asked.count(b"*")):
                writer.write(b"+PONG\r\n")
        writer.close()

    port = free_port()
    listening = await asyncio.start_server(answer, "127.0.0.1", port, ssl=context)
    yield f"rediss://127.0.0.1:{port}/0", pem(certificate)
    listening.close()


async def test_the_pinned_authority_is_believed(server):
    url, ca = server
    cache = RedisCache(RedisConnection(url, ca=ca))

    async with asyncio.timeout(20):
        while not await answers(cache):
            """The cache waits a quarter of a second, which a busy machine may need longer than."""


async def answers(cache: RedisCache) -> bool:
    try:
        await cache.ping()
    except ConnectionError as away:
        if not isinstance(away.__cause__, TimeoutError) and "Timeout" not in str(away):
            raise
        return False
    return True


@pytest.mark.parametrize("pinned", ["", pem(authority("another")[0])])
async def test_no_other_is(server, pinned):
    url, _ = server
    cache = RedisCache(RedisConnection(url, ca=pinned))

    with pytest.raises(ConnectionError):
        await cache.ping()
    assert await cache.get(UUID(int=1)) is None
