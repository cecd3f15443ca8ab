"""Endpoints that misbehave, and endpoints behind TLS: never more than a nack, never stuck."""

import asyncio
import datetime
import ipaddress
import json
import ssl
import urllib.request
from contextlib import closing, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import eventually
from tests.support.ports import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody but its owner trusts, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Endpoint:
    """A raw endpoint: the first `misbehave` answers, then well-behaved ones."""

    def __init__(self, misbehave):
        self.misbehave = misbehave
        self.requests = []

    async def serve(self, reader, writer):
        """Answer one connection's requests."""
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:  # until the emulator hangs up
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests.append(asyncio.get_running_loop().time())
                if len(self.requests) == 1:
                    await self.misbehave(writer)
                else:
                    writer.write(OK)
                    await writer.drain()


@pytest.fixture
async def endpoint_of():
    """Serve on a free port; return the endpoint with its URL."""
    servers = []

    async def endpoint_of(misbehave, tls=None):
        endpoint = Endpoint(misbehave)
        server = await asyncio.start_server(endpoint.serve, "127.0.0.1", free_port(), ssl=tls)
        servers.append(server)
        scheme = "https" if tls else "http"
        endpoint.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return endpoint

    yield endpoint_of
    for server in servers:
        server.close()


@pytest.fixture
def emulator(tmp_path):
    with ours(tmp_path / "data", "--push-backoff", "off", durability="memory") as running:
        yield running


@pytest.fixture
def client(emulator, connect):
    return connect(emulator)


async def break_off(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all of it")
    writer.close()


async def endless_headers(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def endless_body(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def garbage(writer):
    writer.write(b"\x00\xffSSH-2.0-whatever\r\n\r\n" * 100)
    await writer.drain()


async def switch(writer):
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    "misbehave",
    [break_off, endless_headers, endless_body, garbage, switch],
    ids=lambda f: f.__name__,
)
async def test_what_is_no_answer_is_a_nack(client, endpoint_of, misbehave):
    endpoint = await endpoint_of(misbehave)
    await client.create(push_config={"push_endpoint": endpoint.url})
    await client.publish(b"x")

    await eventually(lambda: len(endpoint.requests) == 2)


async def test_interim_answers_before_the_final_one_are_waited_through(client, endpoint_of):
    async def go_on_and_on(writer):
        for _ in range(3):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.02)
        writer.write(OK)

    endpoint = await endpoint_of(go_on_and_on)
    await client.create(push_config={"push_endpoint": endpoint.url})
    await client.publish(b"x")
    await eventually(lambda: len(endpoint.requests) == 1)
    await client.publish(b"y")

    await eventually(lambda: len(endpoint.requests) == 2)


async def test_an_answer_that_trickles_past_the_ack_deadline_is_a_nack(client, endpoint_of):
    async def trickle(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    endpoint = await endpoint_of(trickle)
    await client.create(push_config={"push_endpoint": endpoint.url}, ack_deadline_seconds=10)
    await client.publish(b"x")
    await eventually(lambda: len(endpoint.requests) == 2, limit_seconds=30)

    first, second = endpoint.requests
    assert second - first > 9.5


async def test_time_sent_forward_ends_requests_that_are_out(emulator, client, endpoint_of):
    async def hang(writer):
        await asyncio.sleep(60)

    endpoint = await endpoint_of(hang)
    await client.create(push_config={"push_endpoint": endpoint.url}, ack_deadline_seconds=600)
    await client.publish(b"x")
    await eventually(lambda: len(endpoint.requests) == 1)

    await asyncio.to_thread(advance, emulator, 601)

    await eventually(lambda: len(endpoint.requests) == 2)


def advance(emulator, seconds):
    """Send the emulator's clock forward."""
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(f"{emulator.http}/_emulator/clock", data=body, timeout=5).close()


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_certificate_of_an_https_endpoint_is_verified(
    tmp_path, connect, endpoint_of, certificate, monkeypatch, trusted
):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)

    async def answer(writer):
        writer.write(OK)

    endpoint = await endpoint_of(answer, tls)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ours(tmp_path / "data", "--push-backoff", "off", durability="memory") as running:
        client = connect(running)
        await client.create(push_config={"push_endpoint": endpoint.url})
        await client.publish(b"x")
        if trusted:
            await eventually(lambda: len(endpoint.requests) == 1)
        else:
            line = await asyncio.to_thread(running.process.stdout.readline)
            assert "push is not acked" in line
            assert "CERTIFICATE_VERIFY_FAILED" in line
            assert endpoint.requests == []
