"""The table of REST routes, held to the one in the official client's REST transport."""

import importlib
import re

import pytest

from emulators.pubsub.errors import NotFound
from emulators.pubsub.rest.routes import ROUTES, MethodNotAllowed, find

SERVICES = {
    "publisher": "google.pubsub.v1.Publisher",
    "subscriber": "google.pubsub.v1.Subscriber",
    "schema_service": "google.pubsub.v1.SchemaService",
}
IAM = {"GetIamPolicy", "SetIamPolicy", "TestIamPermissions"}


def googles_routes():
    """Yield verb, template, field, RPC and body of all methods of the client."""
    for module, service in SERVICES.items():
        base = importlib.import_module(f"google.pubsub_v1.services.{module}.transports.rest_base")
        [transport] = (value for name, value in vars(base).items() if name.endswith("Transport")
                       and name.startswith("_Base"))  # fmt: skip
        for name, method in vars(transport).items():
            for option in getattr(method, "_get_http_options", list)():
                rpc = name.removeprefix("_Base")
                yield route_of("google.iam.v1.IAMPolicy" if rpc in IAM else service, rpc, option)


def route_of(service, rpc, option):
    field, pattern = re.search("{(.*)=(.*)}", option["uri"]).groups()
    template = re.sub("{.*}", pattern, option["uri"]).removeprefix("/v1/")
    return option["method"].upper(), template, field, f"{service}/{rpc}", option.get("body")


def test_the_table_is_that_of_the_official_client():
    assert {tuple(route) for route in ROUTES} == set(googles_routes())


def test_the_table_has_a_route_for_each_rpc_but_streaming_pull():
    assert len({route.rpc for route in ROUTES}) == 37


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.verb} {route.template}")
def test_every_route_is_found_by_its_path(route):
    name = "projects/p/topics/letters".replace("topics", route.template.split("/")[2])
    path = route.template.replace("projects/*", "projects/p").replace("/*", "/letters")

    found, resource = find(route.verb, f"/v1/{path.split('?')[0]}")

    assert found == route
    assert resource == (name if route.template.count("*") == 2 else "projects/p").split(":")[0]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/projects/p/topics/a%25b", "projects/p/topics/a%b"),
        ("/v1/projects/p/topics/%61bc", "projects/p/topics/abc"),
        ("/v1/projects/p/topics/a%2Fb", "projects/p/topics/a%2Fb"),
        ("/v1/projects/p/topics/a%2fb", "projects/p/topics/a%2Fb"),
        ("/v1/projects/example.com:p/topics/abc", "projects/example.com:p/topics/abc"),
        ("/v1/projects/p/topics/%C3%A9%FF", "projects/p/topics/é�"),
    ],
)
def test_names_are_decoded_as_googles_servers_do(path, name):
    assert find("GET", path)[1] == name


def test_a_custom_verb_may_be_percent_encoded():
    route, name = find("POST", "/v1/projects/p/topics/letters%3Apublish")

    assert route.rpc == "google.pubsub.v1.Publisher/Publish"
    assert name == "projects/p/topics/letters"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/projects",
        "/v1/projects/p",
        "/v1/projects//topics",
        "/v1/projects/p/topics/",
        "/v1/projects/p/topics/letters/",
        "/v1/projects/p/topics/letters/messages",
        "/v1/projects/p/topics/letters:nonsense",
        "/v1/projects/p/topics/letters:publish:publish",
        "/v1/projects/p/topics:publish",
        "/v1/projects/p/subscriptions/readers/snapshots",
        "/v2/projects/p/topics/letters",
        "projects/p/topics/letters",
        "/v1/%",
    ],
)
def test_a_path_that_is_none_of_the_api_is_not_found(path):
    with pytest.raises(NotFound):
        find("GET", path)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "projects/p/topics/letters"),
        ("PUT", "projects/p/topics"),
        ("GET", "projects/p/topics/letters:publish"),
        ("HEAD", "projects/p/topics/letters"),
    ],
)
def test_a_path_with_a_verb_that_it_does_not_have_is_refused_as_such(verb, path):
    with pytest.raises(MethodNotAllowed):
        find(verb, f"/v1/{path}")
