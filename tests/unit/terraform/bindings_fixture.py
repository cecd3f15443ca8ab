"""A wheel with language bindings of the shape that generators make, for one invented resource."""

import io
import tarfile
import zipfile
from pathlib import Path

_HEAD = """
class ThingTagsOutputReference extends cdktf.ComplexObject {
    set internalValue(value) {
    }
    get label() {
        return this.getStringAttribute('label');
    }
    set label(value) {
    }
    resetWeight() {
    }
    get weight() {
        return this.getNumberAttribute('weight');
    }
}
function thingTagsToHclTerraform(struct) {
    const attrs = {
        label: {
            value: cdktf.stringToHclTerraform(struct.label),
            isBlock: false,
            type: "simple",
            storageClassType: "string",
        },
        weight: {
            value: cdktf.numberToHclTerraform(struct.weight),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class ThingTagsList extends cdktf.ComplexList {
}
class ThingStatusOutputReference extends cdktf.ComplexObject {
    get ready() {
        return this.getBooleanAttribute('ready');
    }
}
class ThingStatusList extends cdktf.ComplexList {
}
"""
_BODY = """
class Thing extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        super(scope, id, {
            terraformResourceType: 'google_thing',
            terraformGeneratorMetadata: { providerVersion: '6.50.0', },
        });
        this._status = new ThingStatusList(this, "status", false);
        this._tags = new ThingTagsList(this, "tags", true);
        this._effective = new cdktf.StringMap(this, "effective");
    }
    get id() {
        return this.getStringAttribute('id');
    }
    resetId() {
    }
    get name() {
        return this.getStringAttribute('name');
    }
    get secretWo() {
        return this.getStringAttribute('secret_wo');
    }
    resetSecretWo() {
    }
    get url() {
        return this.getStringAttribute('url');
    }
    resetTags() {
    }
    synthesizeHclAttributes() {
        const attrs = {
            id: {
                value: cdktf.stringToHclTerraform(this._id),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            name: {
                value: cdktf.stringToHclTerraform(this._name),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            secret_wo: {
                value: cdktf.stringToHclTerraform(this._secretWo),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            tags: {
                value: cdktf.listMapperHcl(thingTagsToHclTerraform, true)(this._tags),
                isBlock: true,
                type: "set",
                storageClassType: "ThingTagsList",
            },
        };
    }
}
Thing.tfResourceType = "google_thing";
"""
_PROVIDER = """
class GoogleProvider extends cdktf.TerraformProvider {
    constructor(scope, id, config = {}) {
        super(scope, id, {
            terraformGeneratorMetadata: { providerVersion: '6.50.0', },
        });
    }
    get project() {
        return this._project;
    }
    resetProject() {
    }
    synthesizeHclAttributes() {
        const attrs = {
            project: {
                value: cdktf.stringToHclTerraform(this._project),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
        };
    }
}
GoogleProvider.tfResourceType = "google";
"""


def made_wheel(folder: Path) -> Path:
    """Write the wheel; the resource's structs stand in a file of their own, as large ones' do."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as package:
        _add(package, "package/lib/thing/index.js", _BODY)
        _add(package, "package/lib/thing/index-structs/structs0.js", _HEAD)
        _add(package, "package/lib/data-google-thing/index.js", _BODY)
        _add(package, "package/lib/provider/index.js", _PROVIDER)
        _add(package, "package/lib/index.js", "not one resource's")
    wheel = folder / "bindings-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("bindings/_jsii/bindings@1.jsii.tgz", inner.getvalue())
    return wheel


def _add(package: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    package.addfile(entry, io.BytesIO(content))
