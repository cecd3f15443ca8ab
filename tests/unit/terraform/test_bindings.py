import pytest

from emulators.terraform.bindings import read_schema, write_schema
from tests.unit.terraform.bindings_fixture import made_wheel


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> dict:
    return read_schema(made_wheel(tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def thing(schema) -> dict:
    return schema["resource_schemas"]["google_thing"]["block"]


def test_resources_data_sources_and_the_provider_are_told_apart(schema):
    assert list(schema["resource_schemas"]) == ["google_thing"]
    assert list(schema["data_source_schemas"]) == ["google_thing"]
    assert schema["provider"]["block"]["attributes"]["project"]["optional"]
    assert schema["version"] == "6.50.0"


def test_what_cannot_be_left_out_is_required(thing):
    assert thing["attributes"]["name"] == {"type": "string", "required": True}


def test_the_id_is_given_or_computed(thing):
    assert thing["attributes"]["id"] == {"type": "string", "optional": True, "computed": True}


def test_what_can_only_be_read_is_computed(thing):
    assert thing["attributes"]["url"] == {"type": "string", "computed": True}
    assert thing["attributes"]["effective"] == {"type": ["map", "string"], "computed": True}


def test_a_list_that_can_only_be_read_is_an_attribute_of_objects(thing):
    kind = ["list", ["object", {"ready": "bool"}]]

    assert thing["attributes"]["status"] == {"type": kind, "computed": True}


def test_a_write_only_argument_is_known_by_its_ending(thing):
    assert thing["attributes"]["secret_wo"]["write_only"]


def test_a_nested_block_has_its_own_arguments_and_kind(thing):
    tags = thing["block_types"]["tags"]

    assert tags["nesting_mode"] == "set"
    assert "max_items" not in tags
    assert "min_items" not in tags
    assert tags["block"]["attributes"] == {
        "label": {"type": "string", "required": True},
        "weight": {"type": "number", "optional": True},
    }


def test_a_schema_is_written_whole(tmp_path):
    target = tmp_path / "schema.json"
    write_schema(made_wheel(tmp_path), target)

    assert [file.suffix for file in tmp_path.iterdir() if file.stem == "schema"] == [".json"]
