"""What is kept in files: a bucket and its objects, a secret and its versions, grants."""

import shutil
from pathlib import Path

from emulators.cloud import grants
from emulators.cloud.client import Client
from emulators.cloud.folder import Folder
from emulators.cloud.handlers import Attributes, Held
from emulators.terraform.provider import CloudError


class Bucket(Held):
    """A folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def create(self, value: Attributes) -> Attributes:
        self._folder.bucket(value["name"]).mkdir(parents=True, exist_ok=True)
        return {}

    def read(self, value: Attributes) -> Attributes | None:
        return value if self._folder.bucket(value["name"]).exists() else None

    def delete(self, value: Attributes) -> None:
        place = self._folder.bucket(value["name"])
        if any(place.glob("*")) and not value.get("force_destroy"):
            raise CloudError(f"the bucket {value['name']} is not empty, and has no force_destroy")
        shutil.rmtree(place, ignore_errors=True)


class BucketObject(Held):
    """A file in the bucket's folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def create(self, value: Attributes) -> Attributes:
        target, source = self._place(value), Path(value.get("source") or "")
        target.parent.mkdir(parents=True, exist_ok=True)
        if value.get("content") is not None:
            target.write_text(value["content"])
        elif source.is_file():
            shutil.copyfile(source, target)
        else:
            raise CloudError(f"{source} is not there to upload; `make package` makes the archive")
        return {}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        if not self._place(value).exists() or prior.get("content") != value.get("content"):
            return self.create(value)
        return {}

    def read(self, value: Attributes) -> Attributes | None:
        return value if self._place(value).exists() else None

    def delete(self, value: Attributes) -> None:
        self._place(value).unlink(missing_ok=True)

    def _place(self, value: Attributes) -> Path:
        return self._folder.bucket(value["bucket"]) / str(value["name"])


class SecretVersion(Held):
    """A file that only its owner may read; a newer number is a newer file."""

    def __init__(self, folder: Folder, client: Client) -> None:
        self._folder = folder
        self._client = client

    def create(self, value: Attributes) -> Attributes:
        place = self._folder.secret(_short(value["secret"]))
        number = max((int(file.name) for file in place.glob("*")), default=0) + 1
        data = value.get("secret_data_wo") or value.get("secret_data")
        if not data:
            raise CloudError(f"a version of the secret {_short(value['secret'])!r} has no value")
        self._folder.write(place / str(number), data)
        self._told(_short(value["secret"]))
        name = f"{value['secret']}/versions/{number}"
        return {"version": str(number), "name": name, "id": name}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        if prior.get("secret_data_wo_version") == value.get("secret_data_wo_version"):
            return {}
        return self.create(value)

    def read(self, value: Attributes) -> Attributes | None:
        return value if self._file(value).exists() else None

    def delete(self, value: Attributes) -> None:
        self._file(value).unlink(missing_ok=True)

    def _file(self, value: Attributes) -> Path:
        return self._folder.secret(_short(value["secret"])) / str(value["version"])

    def _told(self, secret: str) -> None:
        """Workloads read the newest version when they start."""
        for name, part in self._client.describe()["parts"].items():
            if secret in part["secrets"]:
                self._client.restart(name)


class Grant(Held):
    """One member's role on one resource."""

    def __init__(self, folder: Folder, type_name: str) -> None:
        self._folder = folder
        self._type = type_name

    def create(self, value: Attributes) -> Attributes:
        grants.keep(self._folder, self._type, value)
        return {}

    def read(self, value: Attributes) -> Attributes | None:
        return value if grants.is_kept(self._folder, self._type, value) else None

    def delete(self, value: Attributes) -> None:
        grants.forget(self._folder, self._type, value)


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]
