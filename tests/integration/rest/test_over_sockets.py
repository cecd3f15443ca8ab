"""What only a real connection shows: bodies that do not end, and connections that must."""

import asyncio
import json

import httpx

from shared.domain.requests import MAX_BODY_BYTES

GREET = {"task_type": "greet", "payload": {"name": "Ada"}}
HEAD = b"POST /enqueue-task HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


async def answer_of(port: int, *pieces: bytes) -> bytes:
    """Everything the server says to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_task_is_accepted_and_read_over_a_kept_connection(port):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        accepted = await http.post("/enqueue-task", json=GREET)
        task = await http.get(accepted.headers["location"])

    assert (accepted.status_code, task.status_code) == (202, 200)
    assert task.json()["payload"] == GREET["payload"]


async def test_a_declared_10_gb_is_refused_before_a_byte_of_it_comes(port):
    answer = await answer_of(port, HEAD + b"Content-Length: 10000000000\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_without_end_is_refused_and_the_connection_closed(port):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    count = MAX_BODY_BYTES // 0x10000 + 1

    assert (await answer_of(port, head, *[chunk] * count)).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_sends_too_much_at_once_still_gets_the_answer(port):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        headers = {"content-type": "application/json"}
        answer = await http.post("/enqueue-task", content=b" " * 3_000_000, headers=headers)

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


async def test_a_wrong_path_with_a_large_body_ends_the_connection(port):
    head = HEAD.replace(b"/enqueue-task", b"/nothing") + b"Content-Length: 10000000\r\n\r\n"

    assert (await answer_of(port, head)).startswith(b"HTTP/1.1 404 ")


async def test_many_clients_that_never_finish_their_body_do_not_stop_the_others(port):
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    for _, writer in slow:
        writer.write(HEAD + b'Content-Length: 100\r\n\r\n{"task_type"')
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        assert (await http.post("/enqueue-task", json=GREET)).status_code == 202
    for _, writer in slow:
        writer.close()


async def test_a_host_that_is_not_this_machine_is_refused(port, memory):
    body = json.dumps(GREET).encode()
    head = HEAD.replace(b"127.0.0.1", b"evil.example") + b"Connection: close\r\n"
    answer = await answer_of(port, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert memory.publisher.messages == []
