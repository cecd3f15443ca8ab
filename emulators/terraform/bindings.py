"""The schema of Google's provider, read from the language bindings that were generated from it.

The bindings' compiled JavaScript names every argument with its type, its nesting and whether it may
be left out. What it does not have stands in this folder's README. Nothing here knows Terraform's
protocol; the result has the shape of `terraform providers schema -json`.
"""

import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

Block = dict[str, Any]

# A large resource has its structs in files beside it.
_FILE = re.compile(r"package/lib/([\w-]+)/(?:index|index-structs/structs\d+)\.js")
_CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", re.M | re.S)
_TABLE = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.M | re.S)
_ROW = re.compile(
    r"(\w+): \{\s+value: .*?,\n\s+isBlock: (true|false),"
    r'\s+type: "(\w+)",\s+storageClassType: "(\w+)"'
)
_NESTED = re.compile(r'this\._\w+ = new ([\w.]+)\(this, "(\w+)"(?:, (true|false))?\)')
_GETTER = re.compile(r"get (\w+)\(\) \{\s+return ([^\n]+);")
_ATTRIBUTE = re.compile(r"(?:this\.get(\w+)Attribute|(\w+))\('(\w+)'\)")
_RESET = re.compile(r"reset(\w+)\(\)")
_TYPE_NAME = re.compile(r"\.tfResourceType = \"([\w-]+)\"")
_SIMPLE = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringList": ["list", "string"],
    "numberList": ["list", "number"],
    "stringMap": ["map", "string"],
}
_GETTER_TYPES = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "BooleanMap": ["map", "bool"],
    "NumberMap": ["map", "number"],
}
_CLASS_TYPES = {
    "cdktf.StringMap": ["map", "string"],
    "cdktf.StringMapList": ["list", ["map", "string"]],
    "cdktf.BooleanMap": ["map", "bool"],
    "cdktf.NumberMap": ["map", "number"],
}


def read_schema(wheel: Path) -> dict[str, Any]:
    """Return the provider's whole schema. `wheel` is the bindings' wheel for Python."""
    schema: dict[str, Any] = {"resource_schemas": {}, "data_source_schemas": {}}
    for folder, source in _modules(wheel):
        module = _Module(source)
        block = {"version": 0, "block": module.block()}
        if folder == "provider":
            schema["provider"] = block
            schema["version"] = module.version()
        elif folder.startswith("data-google-"):
            schema["data_source_schemas"][module.type_name()] = block
        else:
            schema["resource_schemas"][module.type_name()] = block
    return schema


def _modules(wheel: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the JavaScript of each resource, data source and the provider."""
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        content = BytesIO(archive.read(inner))
    sources: dict[str, str] = {}
    with tarfile.open(fileobj=content) as package:
        for member in package:
            if match := _FILE.fullmatch(member.name):
                file = package.extractfile(member)
                assert file  # noqa: S101  it is a file by its name
                sources[match[1]] = sources.get(match[1], "") + file.read().decode()
    yield from sources.items()


class _Module:
    """One resource's JavaScript: its classes by name, and its tables by the class they describe."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._classes = {name: body for name, _, body in _CLASS.findall(source)}
        self._bases = {name: base for name, base, _ in _CLASS.findall(source)}
        self._tables = {name.lower(): body for name, body in _TABLE.findall(source)}

    def type_name(self) -> str:
        """Return what Terraform calls it."""
        match = _TYPE_NAME.search(self._source)
        assert match  # noqa: S101  every module ends with it
        return match[1]

    def version(self) -> str:
        """Return the provider's version."""
        match = re.search(r"providerVersion: '([\d.]+)'", self._source)
        return match[1] if match else "unknown"

    def block(self) -> Block:
        """Return the top block."""
        tops = ("TerraformResource", "TerraformDataSource", "TerraformProvider")
        (name,) = (name for name, base in self._bases.items() if base in tops)
        body = self._classes[name]
        block = self._block(body, table=body)
        if block["attributes"].get("id", {}).get("optional"):
            block["attributes"]["id"]["computed"] = True  # as every provider of its kind has it
        return block

    def _struct(self, name: str) -> Block:
        """Return the block of a nested struct."""
        table = self._tables.get(name.lower(), "")
        return self._block(self._classes.get(f"{name}OutputReference", ""), table)

    def _block(self, body: str, table: str) -> Block:
        rows = {row[0]: row[1:] for row in _ROW.findall(table)}
        nested = {name: (kind, is_set == "true") for kind, name, is_set in _NESTED.findall(body)}
        optional = {_snake_key(name) for name in _RESET.findall(body)}
        block: Block = {"attributes": {}, "block_types": {}}
        for name, (is_block, container, storage) in rows.items():
            required = _key(name) not in optional and bool(body)
            if is_block == "true":
                block["block_types"][name] = self._nested(
                    name, container, storage, nested, required
                )
            else:
                kind = self._type(container, storage)
                block["attributes"][name] = {"type": kind, _presence(required): True}
                if name.endswith("_wo"):  # not in the bindings: known by its ending
                    block["attributes"][name]["write_only"] = True
        for name, kind in self._computed(body, nested):
            if name not in rows:
                block["attributes"][name] = {"type": kind, "computed": True}
        return block

    def _nested(
        self,
        name: str,
        container: str,
        storage: str,
        nested: dict[str, tuple[str, bool]],
        required: bool,
    ) -> dict[str, Any]:
        kind, is_set = nested.get(name, (storage, container == "set"))
        struct = _struct_name(kind)
        if container == "struct":  # timeouts
            return {"nesting_mode": "single", "block": self._struct(struct)}
        result: dict[str, Any] = {
            "nesting_mode": "set" if is_set or container == "set" else "list",
            "block": self._struct(struct),
        }
        if kind.endswith("OutputReference"):
            result["max_items"] = 1
        if required:
            result["min_items"] = 1
        return result

    def _type(self, container: str, storage: str) -> Any:
        """Return the type of an attribute, an object's spelt out."""
        kind = _SIMPLE.get(storage)
        if kind is None:
            return [container, self._object(_struct_name(storage))]
        if container == "set" and isinstance(kind, list):
            return ["set", kind[1]]
        return kind

    def _computed(
        self, body: str, nested: dict[str, tuple[str, bool]]
    ) -> Iterator[tuple[str, Any]]:
        """Yield what can only be read."""
        for name, (kind, is_set) in nested.items():
            if kind in _CLASS_TYPES:
                yield name, _CLASS_TYPES[kind]
            elif kind.endswith("List"):
                yield name, ["set" if is_set else "list", self._object(_struct_name(kind))]
        for _, returned in _GETTER.findall(body):
            for getter, _, name in _ATTRIBUTE.findall(returned):
                kind_ = _GETTER_TYPES.get(getter)
                if kind_ and "tolist" in returned and isinstance(kind_, list):
                    yield name, ["set", kind_[1]]
                elif kind_:
                    yield name, kind_

    def _object(self, struct: str) -> list[Any]:
        block = self._struct(struct)
        fields = {name: attribute["type"] for name, attribute in block["attributes"].items()}
        for name, inner in block["block_types"].items():
            fields[name] = [inner["nesting_mode"], _object_of(inner["block"])]
        return ["object", fields]


def _object_of(block: Block) -> list[Any]:
    fields = {name: attribute["type"] for name, attribute in block["attributes"].items()}
    for name, inner in block["block_types"].items():
        fields[name] = [inner["nesting_mode"], _object_of(inner["block"])]
    return ["object", fields]


def _struct_name(kind: str) -> str:
    return kind.rpartition(".")[2].removesuffix("OutputReference").removesuffix("List")


def _presence(required: bool) -> str:
    return "required" if required else "optional"


def _key(name: str) -> str:
    """Return what an argument and its camel-case accessor have in common."""
    return name.replace("_", "").lower()


def _snake_key(name: str) -> str:
    return name.lower()


def write_schema(wheel: Path, target: Path) -> None:
    """Read the schema from `wheel` and write it to `target`, whole or not at all."""
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps(read_schema(wheel), separators=(",", ":")))
    partial.replace(target)
