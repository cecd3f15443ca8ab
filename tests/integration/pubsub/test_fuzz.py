"""Every RPC and every REST route gets requests that nobody would send; none may fail by our fault.

`FUZZ_EXAMPLES=1000` makes so many of each, and other ones in each run.
"""

import json
import os
import threading
from functools import cache
from urllib.parse import quote, urlencode

import grpc
import httpx
import pytest
from google.pubsub_v1.types import pubsub, schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emulators.pubsub.iam import protos as iam
from emulators.pubsub.rest.routes import ROUTES
from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.generated import AVRO, WORDS, spoiled, to_json, to_message, trees

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
fuzz = settings(
    max_examples=EXAMPLES or 50,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # the emulator's state goes on, so that shrinking would mislead
    suppress_health_check=list(HealthCheck),
)
OURS_TO_BLAME = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}
P = "/v1/projects/p"
UNARY = sorted({route.rpc for route in ROUTES})
STREAM = "google.pubsub.v1.Subscriber/StreamingPull"


@cache
def request_type(rpc):
    """Return the raw class of an RPC's request."""
    service, method = rpc.split("/")
    kind = {"CreateTopic": "Topic", "CreateSubscription": "Subscription"}.get(method)
    kind = kind or f"{method}Request"
    if service.startswith("google.iam"):
        return getattr(iam, kind)
    return getattr(pubsub if hasattr(pubsub, kind) else schema, kind).pb()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """An emulator whose log is read along, so that it never waits for its reader."""
    with ours(tmp_path_factory.mktemp("pubsub"), durability="memory") as running:
        running.log = []
        reader = threading.Thread(target=lambda: running.log.extend(running.process.stdout))
        reader.start()
        yield running
        running.terminate()
        reader.join()


@pytest.fixture(scope="module")
def channel(running):
    with grpc.insecure_channel(running.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def http(running):
    with httpx.Client(base_url=f"http://{running.rest}", timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def resources(running, http):
    """Some of what the requests speak of; other tests may have deleted it."""
    for name in ("first", "second"):
        http.put(f"{P}/topics/{name}")
        http.put(f"{P}/subscriptions/{name}", json={"topic": "projects/p/topics/first"})
    http.put(f"{P}/snapshots/first", json={"subscription": "projects/p/subscriptions/first"})
    http.post(f"{P}/schemas?schemaId=first", json={"type": "AVRO", "definition": AVRO})
    http.post(f"{P}/topics/first:publish", json={"messages": [{"data": "aGk="}] * 10})
    yield
    assert running.process.poll() is None
    assert http.get("/_emulator/health").status_code == 200


def call(channel, rpc, payload):
    """Return the status of a unary call."""
    try:
        channel.unary_unary(f"/{rpc}")(payload, timeout=0.3)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize("rpc", UNARY)
def test_no_request_makes_an_rpc_fail(rpc, channel):
    kind = request_type(rpc)

    @fuzz
    @given(trees(kind.DESCRIPTOR))
    def run(tree):
        payload = to_message(tree, kind()).SerializeToString()
        assert call(channel, rpc, payload) not in OURS_TO_BLAME

    run()


@pytest.mark.parametrize("rpc", UNARY)
def test_no_bytes_make_an_rpc_fail(rpc, channel):
    @settings(fuzz, max_examples=EXAMPLES or 20)
    @given(st.binary(max_size=60))
    def run(payload):
        assert call(channel, rpc, payload) not in OURS_TO_BLAME

    run()


@settings(fuzz, max_examples=EXAMPLES or 20)
@given(st.data())
def test_no_requests_make_a_stream_fail(channel, data):
    kind = request_type(STREAM)
    made = data.draw(st.lists(trees(kind.DESCRIPTOR), max_size=3))
    payloads = [to_message(tree, kind()).SerializeToString() for tree in made]
    payloads += data.draw(st.lists(st.binary(max_size=20), max_size=1))
    code = grpc.StatusCode.OK
    try:
        list(channel.stream_stream(f"/{STREAM}")(iter(payloads), timeout=0.2))
    except grpc.RpcError as error:
        code = error.code()

    assert code not in OURS_TO_BLAME


def check(response):
    """Check that an HTTP answer is JSON, and no failure of ours."""
    assert response.status_code < 500 or response.status_code == 501, response.text
    body = response.json()
    if response.status_code >= 400:
        assert body["error"]["code"] == response.status_code
        assert grpc.StatusCode[body["error"]["status"]] not in OURS_TO_BLAME


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.verb} {route.template}")
def test_no_request_makes_a_route_fail(route, http):
    kind = request_type(route.rpc).DESCRIPTOR

    @fuzz
    @given(st.data())
    def run(data):
        tree = to_json(data.draw(trees(kind)), kind)
        text = b"" if route.verb in ("GET", "DELETE") else data.draw(spoiled(tree))
        response = http.request(
            route.verb,
            path_of(route, data) + query_of(route, tree, data),
            content=text,
            headers={"Content-Type": "application/json", "X-Server-Timeout": "0.2"},
        )
        check(response)

    run()


def path_of(route, data):
    """Return the route's path with ids of all kinds."""
    ids = st.one_of(st.sampled_from(["first", "second"]), WORDS)
    path = f"/v1/{route.template}".replace("projects/*", "projects/p")
    return path.replace("*", quote(data.draw(ids), safe="%" if data.draw(st.booleans()) else ""))


def query_of(route, tree, data):
    """Return a query string: the request's plain fields where they belong there, and nonsense."""
    fields = dict(data.draw(st.lists(st.tuples(WORDS, WORDS), max_size=1)))
    if route.verb in ("GET", "DELETE"):
        fields |= {name: value for name, value in tree.items() if not isinstance(value, dict)}
    return f"?{urlencode(fields)}" if fields else ""


@fuzz
@given(
    st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "NONSENSE"]),
    st.lists(WORDS, max_size=5),
)
def test_no_path_makes_the_http_side_fail(http, verb, segments):
    path = "/" + "/".join(["v1", *(quote(segment, safe="") for segment in segments)])
    response = http.request(verb, path)

    assert response.status_code < 500


def test_nothing_of_all_that_was_a_bug_by_the_log(running):
    """Runs last in this module."""
    assert [line for line in running.log if json.loads(line)["severity"] == "ERROR"] == []
