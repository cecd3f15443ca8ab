"""Schemas and their revisions as they are kept: ids, times, ranges, limits, restarts."""

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument, NotFound, ResourceExhausted
from emulators.pubsub.schemas.registry import Registry

NAME = "projects/p/schemas/letters"


class MemoryDocuments(dict):
    """What `Documents` is, without a disk."""

    def __iter__(self):
        return iter(sorted(super().keys()))

    def put(self, name, value):
        self[name] = value

    def delete(self, name):
        del self[name]


@pytest.fixture
def documents():
    return MemoryDocuments()


@pytest.fixture
def registry(documents):
    return Registry(documents, wall_ns=lambda: 1_000)


def add(registry, text="x", name=NAME):
    return registry.add(name, protos.Schema(type_=2, definition=text))


def texts(revisions):
    return [revision.definition for revision in revisions]


def test_a_revision_has_the_name_8_hex_digits_and_its_own_time(registry):
    first, second = add(registry), add(registry)

    assert first.name == NAME
    assert len(first.revision_id) == 8
    assert int(first.revision_id, 16) >= 0
    assert first.revision_id != second.revision_id
    assert second.revision_create_time.ToNanoseconds() == 1_001


def test_what_the_caller_says_of_id_and_time_is_ignored(registry):
    content = protos.Schema(name="other", type_=2, definition="x", revision_id="mine")
    revision = registry.add(NAME, content)

    assert (revision.name, revision.revision_id == "mine") == (NAME, False)
    assert content.revision_id == "mine"


def test_the_newest_revision_is_the_schema(registry):
    first, _ = add(registry, "1"), add(registry, "2")

    assert registry.get(NAME).definition == "2"
    assert registry.get(NAME, first.revision_id).definition == "1"
    assert texts(registry.revisions(NAME)) == ["1", "2"]


def test_what_does_not_exist_is_not_found(registry):
    add(registry)

    for call in (
        lambda: registry.get("projects/p/schemas/other"),
        lambda: registry.get(NAME, "00000000"),
        lambda: registry.revisions("projects/p/schemas/other"),
        lambda: registry.delete("projects/p/schemas/other"),
        lambda: registry.delete_revision(NAME, "00000000"),
        lambda: registry.between(NAME, "00000000", ""),
        lambda: registry.between(NAME, "", "00000000"),
    ):
        with pytest.raises(NotFound):
            call()


def test_names_are_those_of_the_project(registry):
    add(registry)
    add(registry, name="projects/p/schemas/others")
    add(registry, name="projects/p2/schemas/letters")

    assert sorted(registry.names("projects/p")) == [NAME, "projects/p/schemas/others"]


def test_a_range_is_newest_first_and_includes_its_ends(registry):
    ids = [add(registry, text).revision_id for text in "1234"]

    assert texts(registry.between(NAME, "", "")) == ["4", "3", "2", "1"]
    assert texts(registry.between(NAME, ids[1], ids[2])) == ["3", "2"]
    assert texts(registry.between(NAME, ids[2], "")) == ["4", "3"]
    assert texts(registry.between(NAME, "", ids[0])) == ["1"]
    with pytest.raises(InvalidArgument, match="is older than"):
        registry.between(NAME, ids[2], ids[1])


def test_a_range_goes_on_between_revisions_that_were_deleted(registry):
    ids = [add(registry, text).revision_id for text in "1234"]
    for revision_id in (ids[0], ids[3]):
        registry.delete_revision(NAME, revision_id)
    add(registry, "5")

    assert texts(registry.between(NAME, ids[0], ids[3])) == ["3", "2"]


def test_a_deleted_revision_is_given_back_and_gone(registry):
    first, _ = add(registry, "1"), add(registry, "2")

    assert registry.delete_revision(NAME, first.revision_id).definition == "1"
    assert texts(registry.revisions(NAME)) == ["2"]
    with pytest.raises(NotFound):
        registry.delete_revision(NAME, first.revision_id)


def test_the_last_revision_cannot_be_deleted(registry):
    first, second = add(registry), add(registry)
    registry.delete_revision(NAME, first.revision_id)

    with pytest.raises(InvalidArgument, match="delete the schema instead"):
        registry.delete_revision(NAME, second.revision_id)


def test_there_are_20_revisions_at_most(registry):
    ids = [add(registry).revision_id for _ in range(20)]

    with pytest.raises(ResourceExhausted, match="20 revisions"):
        add(registry)
    registry.delete_revision(NAME, ids[0])
    add(registry)


def test_a_project_has_so_many_schemas_at_most(documents):
    registry = Registry(documents, wall_ns=lambda: 1_000, max_schemas=1)
    add(registry)

    with pytest.raises(ResourceExhausted, match="projects/p has 1 schemas"):
        add(registry, name="projects/p/schemas/others")
    add(registry)
    add(registry, name="projects/q/schemas/others")


def test_a_deleted_schema_leaves_nothing(registry, documents):
    first, _ = add(registry), add(registry)
    registry.delete_revision(NAME, first.revision_id)
    registry.delete(NAME)

    assert NAME not in registry
    assert len(documents) == 0


def test_all_is_there_again_after_a_restart(registry, documents):
    ids = [add(registry, text).revision_id for text in "213"]
    registry.delete_revision(NAME, ids[0])
    again = Registry(documents, wall_ns=lambda: 0)

    assert again.revisions(NAME) == registry.revisions(NAME)
    assert texts(again.between(NAME, ids[0], ids[1])) == ["1"]
    assert texts([*again.revisions(NAME), add(again, "4")]) == ["1", "3", "4"]
    assert again.get(NAME).definition == "4"
