"""Makes the schemas of a seed, revision by revision; their ids are new ones."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from emulators.pubsub import protos
from emulators.pubsub.control.resources import API, FULL, SCHEMAS, Resources
from emulators.pubsub.errors import AlreadyExists, NotFound

SERVICE = f"{API}.SchemaService"
# The new id of each revision, by schema and the id that the seed gives it.
Renamed = dict[tuple[str, str], str]


async def revisions(resources: Resources, name: str) -> list[Any]:
    """Return all revisions of a schema, oldest first; none if there is no such schema."""
    try:
        found = await resources.pages(
            f"{SERVICE}/ListSchemaRevisions", "schemas", name=name, view=FULL
        )
    except NotFound:
        return []
    return sorted(found, key=lambda one: one.revision_create_time.ToNanoseconds())


async def make_schemas(
    resources: Resources, wanted: Sequence[protos.Schema], created: list[str], unchanged: list[str]
) -> Renamed:
    """Create each schema with the revisions of its name, in the order of the seed.

    Raises: AlreadyExists for a schema that has other revisions, and what the RPCs raise.
    """
    renamed: Renamed = {}
    for name, rows in groupby(sorted(wanted, key=_name), key=_name):
        of_name = list(rows)
        there = await revisions(resources, name)
        if there:
            there = _same(name, of_name, there)
            unchanged.append(name)
        else:
            there = [await _make(resources, index, one) for index, one in enumerate(of_name)]
            created.append(name)
        for old, new in zip(of_name, there, strict=True):
            renamed[name, old.revision_id] = new.revision_id
    return renamed


def rename(topic: protos.Topic, renamed: Renamed) -> None:
    """Let a topic of the seed mean the revisions that were made."""
    settings = topic.schema_settings
    for end in ("first_revision_id", "last_revision_id"):
        new = renamed.get((settings.schema, getattr(settings, end)))
        if getattr(settings, end) and new:
            setattr(settings, end, new)


def _same(name: str, wanted: list[Any], there: list[Any]) -> list[Any]:
    """Return the revisions that are those of the seed: all, or the newest if it tells one only."""
    newest = there[-1:] if len(wanted) == 1 else there
    if [_content(one) for one in newest] != [_content(one) for one in wanted]:
        raise AlreadyExists(
            f"seed: {name!r} exists with another definition: "
            "change the seed, or delete it or reset first"
        )
    return newest


async def _make(resources: Resources, index: int, schema: Any) -> Any:
    if index == 0:
        return await resources.create(SCHEMAS, schema)
    return await resources.call(f"{SERVICE}/CommitSchema", name=schema.name, schema=schema)


def _name(schema: Any) -> str:
    return str(schema.name)


def _content(schema: Any) -> tuple[int, str]:
    return schema.type_, schema.definition
