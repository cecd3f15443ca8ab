"""The edge itself: what it does with routes, with failures, and with what it counts."""

import json
import logging

import httpx
import pytest

from shared import metrics
from shared.domain.errors import LedgerUnavailable, Misconfigured
from shared.edges import http_edge
from shared.edges.http_body import read_json
from shared.edges.http_edge import HttpEdge, Route, json_answer
from tests.contract.api.rest_app import BASE_URL, framework_app
from tests.unit.rest.test_access import LOOPBACK

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def echo(request):
    return json_answer(dict(request.path_params))


def failing_with(error):
    async def fail(request):
        raise error

    return fail


def open_edge(*routes):
    """A client of an edge with these routes, inside the framework's app."""
    transport = httpx.ASGITransport(framework_app(HttpEdge(routes, LOOPBACK)))
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL)


async def test_a_name_in_a_path_is_one_segment():
    routes = [Route("GET", "/a/{one}", echo), Route("GET", "/a/{one}/b/{two}", echo)]
    async with open_edge(*routes) as http:
        assert (await http.get("/a/x")).json() == {"one": "x"}
        assert (await http.get("/a/x%20y/b/z")).json() == {"one": "x y", "two": "z"}
        assert (await http.get("/a/x/y")).status_code == 404
        assert (await http.get("/a/")).status_code == 404


async def test_one_path_may_have_a_route_for_each_method():
    async def made(request):
        return json_answer({"made": True})

    routes = [Route("GET", "/a/{one}", echo), Route("POST", "/a/{one}", made)]
    async with open_edge(*routes) as http:
        assert (await http.get("/a/x")).json() == {"one": "x"}
        assert (await http.post("/a/x")).json() == {"made": True}
        wrong = await http.delete("/a/x")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_a_request_is_under_way_for_the_garbage_collector_until_it_is_answered(monkeypatch):
    seen = []

    class Watched:
        def __enter__(self):
            seen.append("begun")

        def __exit__(self, *_):
            seen.append("ended")

    async def work(request):
        seen.append("works")
        return json_answer({})

    monkeypatch.setattr(http_edge, "HEAP", Watched())
    async with open_edge(Route("GET", "/a", work)) as http:
        await http.get("/a")

    assert seen == ["begun", "works", "ended"]


async def test_head_is_answered_where_get_is():
    async with open_edge(Route("GET", "/a", echo)) as http:
        assert (await http.head("/a")).status_code == 200


async def test_an_unexpected_error_is_a_500_whose_id_stands_in_the_log(caplog):
    secret = "password=hunter2"
    async with open_edge(Route("GET", "/a", failing_with(KeyError(secret)))) as http:
        answer = await http.get("/a", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})

    assert answer.status_code == 500
    assert answer.json()["instance"] == f"urn:cloudtasker:request:{TRACE}"
    assert secret not in answer.text
    [line] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert line.exc_info[1].args == (secret,)
    assert line.fields["request_id"] == TRACE


async def test_every_unexpected_error_has_an_id_of_its_own():
    async with open_edge(Route("GET", "/a", failing_with(ValueError()))) as http:
        first, second = [(await http.get("/a")).json()["instance"] for _ in range(2)]

    assert first != second


@pytest.mark.parametrize(
    ("error", "status"),
    [(LedgerUnavailable("10.0.0.1 away"), 503), (Misconfigured("no key set"), 500)],
)
async def test_what_an_operator_must_know_is_logged_and_not_told(caplog, error, status):
    async with open_edge(Route("GET", "/a", failing_with(error))) as http:
        answer = await http.get("/a")

    assert answer.status_code == status
    assert str(error) not in answer.text
    assert str(error) in caplog.text


async def test_an_unread_body_ends_the_connection_and_a_read_one_does_not():
    async def read(request):
        return json_answer(await read_json(request))

    async with open_edge(Route("POST", "/read", read), Route("POST", "/ignore", echo)) as http:
        assert "connection" not in (await http.post("/read", json=1)).headers
        assert "connection" not in (await http.post("/ignore")).headers
        assert (await http.post("/ignore", json=1)).headers["connection"] == "close"
        assert (await http.post("/nowhere", json=1)).headers["connection"] == "close"


async def test_requests_are_counted_by_route_and_status_and_never_by_path():
    async with open_edge(Route("GET", "/count/{me}", echo)) as http:
        for name in ("a", "b"):
            await http.get(f"/count/{name}")
        before = metrics.REQUESTS.count("unmatched", "GET", "404")
        await http.get("/not/counted/by/path")

    assert metrics.REQUESTS.count("/count/{me}", "GET", "200") == 2
    assert metrics.REQUESTS.count("unmatched", "GET", "404") == before + 1
    assert "/not/counted" not in metrics.render()


def test_an_answer_is_compact_utf8_json():
    answer = json_answer({"é": [1, 2]})

    assert answer.body == '{"é":[1,2]}'.encode()
    assert json.loads(answer.body) == {"é": [1, 2]}
