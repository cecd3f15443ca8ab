"""Bodies, types and methods that must be refused: a clear answer, nothing stored, never a 5xx."""

import json

import pytest

from shared.domain.requests import MAX_BODY_BYTES

GREET = {"task_type": "greet", "payload": {"name": "Ada"}}
JSON = {"content-type": "application/json"}
GOOD = json.dumps(GREET).encode()

BODIES = {
    "nothing": b"",
    "blank": b"  \n",
    "broken": b'{"task_type": "greet"',
    "two values": GOOD + GOOD,
    "single quotes": b"{'task_type': 'greet'}",
    "a comment": b"/* hello */" + GOOD,
    "a trailing comma": b'{"task_type": "greet",}',
    "not an object": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"greet"',
    "NaN": GOOD.replace(b'"Ada"', b"NaN"),
    "Infinity": GOOD.replace(b'"Ada"', b"-Infinity"),
    "beyond a double": GOOD.replace(b'"Ada"', b"1e999"),
    "too many digits": GOOD.replace(b'"Ada"', b"7" * 5000),
    "a duplicate key": b'{"task_type": "greet", ' + GOOD[1:],
    "a duplicate key inside": GOOD.replace(b'"name"', b'"name": 1, "name"'),
    "invalid UTF-8": GOOD.replace(b"Ada", b"\xff\xfe"),
    "overlong UTF-8": GOOD.replace(b"Ada", b"\xc0\xaf"),
    "a surrogate in UTF-8": GOOD.replace(b"Ada", b"\xed\xa0\x80"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": json.dumps(GREET).encode("utf-16"),
    "UTF-16 without mark": json.dumps(GREET).encode("utf-16-le"),
    "UTF-32": json.dumps(GREET).encode("utf-32-be"),
    "a NUL byte": GOOD.replace(b"Ada", b"\0"),
    "a NUL escape": GOOD.replace(b"Ada", b"\\u0000"),
    "a lone surrogate": GOOD.replace(b"Ada", b"\\ud83d"),
    "a lone surrogate as key": GOOD.replace(b"name", b"\\udc00"),
    "a control character": GOOD.replace(b"Ada", b"\x01"),
    "10,000 levels": GOOD.replace(b'"Ada"', b"[" * 10_000 + b"]" * 10_000),
    "10,000 levels of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "only opening brackets": b"[" * 500_000,
    "65 levels": GOOD.replace(b'"Ada"', b"[" * 63 + b"]" * 63),
    "a pickle": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x94.",
    "YAML": b"task_type: greet\npayload: !!python/object/apply:os.system [id]\n",
    "a prototype": b'{"__proto__": {"task_type": "greet"}}',
    "a type that is a path": GOOD.replace(b"greet", b"../../etc/passwd"),
    "a type that is dotted": GOOD.replace(b"greet", b"os.system"),
    "a type that is a list": GOOD.replace(b'"greet"', b'["greet"]'),
    "a payload that is a list": GOOD.replace(b'{"name": "Ada"}', b"[1]"),
    "a payload that is null": GOOD.replace(b'{"name": "Ada"}', b"null"),
    "no payload": b'{"task_type": "greet"}',
    "no type": b'{"payload": {"name": "Ada"}}',
    "labels that are a list": GOOD[:-1] + b', "labels": ["a"]}',
    "a label that is a number": GOOD[:-1] + b', "labels": {"a": 1}}',
    "a label with a bad key": GOOD[:-1] + b', "labels": {"A b": "1"}}',
    "a moment that is a number": GOOD[:-1] + b', "run_at": 1800000000}',
    "a moment that is digits": GOOD[:-1] + b', "run_at": "1800000000"}',
    "a moment without a zone": GOOD[:-1] + b', "run_at": "2026-11-24T13:00:00"}',
    "a moment that is none": GOOD[:-1] + b', "run_at": "2026-02-30T13:00:00Z"}',
    "a day": GOOD[:-1] + b', "run_at": "2026-11-24"}',
    "a delay that is a text": GOOD[:-1] + b', "delay_seconds": "5"}',
    "a delay that is true": GOOD[:-1] + b', "delay_seconds": true}',
    "a delay below zero": GOOD[:-1] + b', "delay_seconds": -0.001}',
    "an end at once": GOOD[:-1] + b', "expires_in_seconds": 0}',
    "an ordering key that is null": GOOD[:-1] + b', "ordering_key": null}',
}


def stored(memory) -> int:
    return len(memory.publisher.messages)


@pytest.mark.parametrize("path", ["/enqueue-task", "/enqueue-tasks"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_body_that_is_no_task_is_refused_with_a_reason(http, memory, path, body):
    answer = await http.post(path, content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]
    assert stored(memory) == 0


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 202),
        ("application/json; charset=utf-8", 202),
        ('APPLICATION/JSON; Charset="UTF-8"', 202),
        ("application/vnd.api+json", 202),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin-1", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/cbor", 415),
        ("application/jsonp", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_only_json_in_utf8_is_read(http, memory, content_type, status):
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await http.post("/enqueue-task", content=GOOD, headers=headers)

    assert answer.status_code == status
    assert stored(memory) == (status == 202)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity"])
async def test_a_compressed_body_is_not_unpacked(http, memory, encoding):
    headers = {**JSON, "content-encoding": encoding}
    answer = await http.post("/enqueue-task", content=GOOD, headers=headers)

    assert answer.status_code == 415
    assert stored(memory) == 0


def padded(size: int) -> bytes:
    """A good request of exactly `size` bytes."""
    return GOOD + b" " * (size - len(GOOD))


async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(http, memory):
    at = await http.post("/enqueue-task", content=padded(MAX_BODY_BYTES), headers=JSON)
    above = await http.post("/enqueue-task", content=padded(MAX_BODY_BYTES + 1), headers=JSON)

    assert (at.status_code, above.status_code) == (202, 413)
    assert above.json()["code"] == "too_large"
    assert stored(memory) == 1


async def test_a_stream_that_goes_on_and_on_is_read_to_the_limit_only(http, memory):
    taken = 0

    async def long_stream():
        nonlocal taken
        for _ in range(100):
            taken += 65_536
            yield b" " * 65_536

    answer = await http.post("/enqueue-task", content=long_stream(), headers=JSON)

    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert taken <= MAX_BODY_BYTES + 2 * 65_536


async def test_a_hundred_thousand_wrong_fields_get_a_short_answer(http, memory):
    body = {**GREET, "payload": {f"f{n}": n for n in range(60_000)}}
    answer = await http.post("/enqueue-task", json=body)

    assert answer.status_code == 400
    assert len(answer.content) < 30_000


async def test_a_field_with_a_very_long_name_gets_a_short_answer(http):
    body = {**GREET, "payload": {"name": "Ada", "x" * 900_000: 1}}
    answer = await http.post("/enqueue-task", json=body)

    assert answer.status_code == 400
    assert len(answer.content) < 5_000


async def test_a_very_long_task_type_gets_a_short_answer(http):
    answer = await http.post("/enqueue-task", json={**GREET, "task_type": "g" * 900_000})

    assert answer.status_code == 400
    assert len(answer.content) < 5_000


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_a_wrong_method_is_told_the_right_one(http, method):
    answer = await http.request(method, "/enqueue-task")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/tasks", "/task-types", "/ready", "/tasks/1"])
async def test_what_is_read_is_not_posted_to(http, path):
    answer = await http.post(path, json={})

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/enqueue-task/", "//enqueue-task", "/tasks/", "/tasks/1/2", "/TASKS"]
)
async def test_a_path_that_is_not_there_is_404(http, path):
    answer = await http.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "no_such_path"


@pytest.mark.parametrize("name", ["%00", "%ff", "..%2f..", "%7B%7D", "1" * 5000, "'%20or%201=1"])
async def test_an_id_that_is_none_is_404(http, name):
    assert (await http.get(f"/tasks/{name}")).status_code == 404
    assert (await http.post(f"/tasks/{name}/cancel")).status_code == 404
