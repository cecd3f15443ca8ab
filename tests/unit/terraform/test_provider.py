"""The stand-in's answers to Terraform, on an invented schema and a cloud that remembers."""

import pytest

from emulators.terraform.bindings import read_schema
from emulators.terraform.protocol import UNKNOWN, decoded, encoded, messages
from emulators.terraform.provider import CloudError, ImaginedCloud, StandIn
from tests.unit.terraform.bindings_fixture import made_wheel

GIVEN = {
    "id": None, "name": "a", "secret_wo": "s3cret", "url": None, "effective": None, "status": None,
    "tags": [{"label": "x", "weight": None}],
}  # fmt: skip


class Memory(ImaginedCloud):
    """A cloud that keeps what it was told, and refuses what is named `refused`."""

    def __init__(self) -> None:
        self.kept: dict[str, dict] = {}

    def create(self, type_name, value):
        if value["name"] == "refused":
            raise CloudError("the name 'refused' is taken")
        self.kept[value["name"]] = value
        return {"url": "http://here"}

    def read(self, type_name, value):
        return self.kept.get(value["name"])

    def delete(self, type_name, value):
        del self.kept[value["name"]]


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> dict:
    return read_schema(made_wheel(tmp_path_factory.mktemp("wheel")))


@pytest.fixture
def cloud() -> Memory:
    return Memory()


@pytest.fixture
def stand_in(schema, cloud) -> StandIn:
    provider = StandIn(schema, cloud)
    ask(provider, "Configure", config=encoded({"project": "p", "region": None}))
    return provider


def ask(provider: StandIn, method: str, **fields):
    request, answer = provider.methods()[method]
    return answer(request(**fields))


def planned(provider: StandIn, prior, proposed):
    return ask(
        provider,
        "PlanResourceChange",
        type_name="google_thing",
        prior_state=encoded(prior),
        proposed_new_state=encoded(proposed),
    )


def applied(provider: StandIn, prior, plan, config=None):
    return ask(
        provider,
        "ApplyResourceChange",
        type_name="google_thing",
        prior_state=encoded(prior),
        planned_state=plan.planned_state,
        config=encoded(config),
    )


def test_values_travel_there_and_back():
    value = {"a": [1, 2.5, True, None, UNKNOWN], "b": {"c": "ü"}}

    assert decoded(encoded(value)) == value


def test_what_only_the_cloud_knows_is_unknown_in_a_plan(stand_in):
    value = decoded(planned(stand_in, None, GIVEN).planned_state)

    assert (value["id"], value["url"], value["status"]) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert value["name"] == "a"
    assert value["tags"] == [{"label": "x", "weight": None}]


def test_what_may_only_be_written_is_in_no_plan_and_no_state(stand_in):
    plan = planned(stand_in, None, GIVEN)

    assert decoded(plan.planned_state)["secret_wo"] is None
    assert decoded(applied(stand_in, None, plan).new_state)["secret_wo"] is None


def test_what_may_only_be_written_reaches_the_cloud(stand_in, cloud):
    plan = planned(stand_in, None, GIVEN)
    state = decoded(applied(stand_in, None, plan, config=GIVEN).new_state)

    assert cloud.kept["a"]["secret_wo"] == "s3cret"
    assert state["secret_wo"] is None


def test_a_fraction_in_a_state_is_no_other_than_in_the_configuration(stand_in):
    request, answer = stand_in.methods()["UpgradeResourceState"]
    asked = request(type_name="google_thing")
    asked.raw_state.json = b'{"threshold": 2.7, "count": 3}'

    assert decoded(answer(asked).upgraded_state) == {"threshold": "2.7", "count": 3}


def test_an_applied_resource_has_no_unknown_left_and_what_the_cloud_said(stand_in, cloud):
    state = decoded(applied(stand_in, None, planned(stand_in, None, GIVEN)).new_state)

    assert state["url"] == "http://here"
    assert UNKNOWN not in state.values()
    assert list(cloud.kept) == ["a"]


def test_a_second_plan_changes_nothing(stand_in):
    state = decoded(applied(stand_in, None, planned(stand_in, None, GIVEN)).new_state)
    again = planned(stand_in, state, state)

    assert decoded(again.planned_state) == state
    assert not again.requires_replace


def test_another_name_makes_another_resource(stand_in):
    state = decoded(applied(stand_in, None, planned(stand_in, None, GIVEN)).new_state)
    plan = planned(stand_in, state, {**state, "name": "b"})

    assert [path.steps[0].attribute_name for path in plan.requires_replace] == ["name"]
    assert decoded(plan.planned_state)["id"] is UNKNOWN


def test_other_tags_are_a_change_in_place(stand_in):
    state = decoded(applied(stand_in, None, planned(stand_in, None, GIVEN)).new_state)
    plan = planned(stand_in, state, {**state, "tags": []})

    assert not plan.requires_replace
    assert decoded(plan.planned_state)["id"] == state["id"]


def test_what_the_cloud_refuses_is_told_and_not_in_the_state(stand_in):
    plan = planned(stand_in, None, {**GIVEN, "name": "refused"})
    answer = applied(stand_in, None, plan)

    assert "is taken" in answer.diagnostics[0].detail
    assert decoded(answer.new_state) is None


def test_what_is_gone_is_read_as_gone(stand_in, cloud):
    state = decoded(applied(stand_in, None, planned(stand_in, None, GIVEN)).new_state)
    cloud.kept.clear()
    answer = ask(stand_in, "ReadResource", type_name="google_thing", current_state=encoded(state))

    assert decoded(answer.new_state) is None


def test_a_destroyed_resource_leaves_the_cloud(stand_in, cloud):
    state = decoded(applied(stand_in, None, planned(stand_in, None, GIVEN)).new_state)
    gone = applied(stand_in, state, planned(stand_in, state, None))

    assert decoded(gone.new_state) is None
    assert cloud.kept == {}


def test_the_schema_is_told_with_types_in_terraforms_own_words(stand_in):
    answer = ask(stand_in, "GetSchema")
    thing = answer.resource_schemas["google_thing"].block
    attributes = {attribute.name: attribute for attribute in thing.attributes}

    assert attributes["effective"].type == b'["map", "string"]'
    assert attributes["secret_wo"].write_only
    assert [(block.type_name, block.nesting) for block in thing.block_types] == [("tags", 3)]
    assert messages().Schema.NestedBlock.NestingMode.Name(3) == "SET"
