"""Cloud SQL and Memorystore: the embedded Postgres and Valkey."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from pg8000.exceptions import DatabaseError, InterfaceError

from emulators.cloud.client import Client
from emulators.cloud.database import Database
from emulators.cloud.environment import HOST
from emulators.cloud.folder import Folder
from emulators.cloud.handlers import Attributes, Held
from emulators.cloud.specs import Spec
from emulators.stack.relocation import forget_data
from emulators.terraform.provider import CloudError

POSTGRES, REDIS = "postgres", "redis"


class SqlInstance(Held):
    """The one database server of a deployment."""

    def __init__(self, folder: Folder, client: Client) -> None:
        self._folder = folder
        self._client = client

    def create(self, value: Attributes) -> Attributes:
        self._client.put(POSTGRES, Spec("postgres", settings={"name": value["name"]}))
        return {"private_ip_address": HOST, "first_ip_address": HOST}

    def read(self, value: Attributes) -> Attributes | None:
        return value if POSTGRES in self._client.describe()["parts"] else None

    def delete(self, value: Attributes) -> None:
        self._client.remove(POSTGRES)
        forget_data(self._folder.postgres)


class _OnServer(Held):
    """What is made by statements."""

    def __init__(self, folder: Folder, client: Client) -> None:
        self._folder = folder
        self._client = client

    @contextmanager
    def _database(self) -> Iterator[Database]:
        """Yield the server. Raises: CloudError when there is none, or when it refuses."""
        part = self._client.describe()["parts"].get(POSTGRES)
        if part is None:
            raise CloudError("there is no database server: its instance is not made, or is gone")
        try:
            yield Database(self._folder, part["port"])
        except (DatabaseError, InterfaceError) as error:
            said = error.args[0] if error.args else error
            text = said.get("M", said) if isinstance(said, dict) else said
            raise CloudError(f"Postgres refused: {text}") from error


class SqlDatabase(_OnServer):
    """A database."""

    def create(self, value: Attributes) -> Attributes:
        with self._database() as database:
            database.create(value["name"])
        return {}

    def read(self, value: Attributes) -> Attributes | None:
        with self._database() as database:
            return value if database.has_database(value["name"]) else None

    def delete(self, value: Attributes) -> None:
        if value.get("deletion_policy") != "ABANDON":
            with self._database() as database:
                database.drop(value["name"])


class SqlUser(_OnServer):
    """A user: a built-in one with its password, or an IAM user."""

    def create(self, value: Attributes) -> Attributes:
        password = value.get("password_wo") or value.get("password")
        if value.get("type") in (None, "", "BUILT_IN") and not password:
            raise CloudError(f"the built-in user {value['name']} has no password")
        with self._database() as database:
            database.create_user(value["name"], password)
        return {}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        return self.create(value)

    def read(self, value: Attributes) -> Attributes | None:
        with self._database() as database:
            return value if database.has_user(value["name"]) else None

    def delete(self, value: Attributes) -> None:
        if value.get("deletion_policy") != "ABANDON":
            with self._database() as database:
                database.drop_user(value["name"])


class RedisInstance(Held):
    """The one cache of a deployment."""

    def __init__(self, folder: Folder, client: Client) -> None:
        self._folder = folder
        self._client = client

    def create(self, value: Attributes) -> Attributes:
        file = self._folder.password(REDIS)
        if not file.exists():
            self._folder.write(file, secrets.token_urlsafe(24))
        port = self._client.put(REDIS, Spec("redis", settings={"name": value["name"]}))
        return {"host": HOST, "port": port, "auth_string": file.read_text()}

    def read(self, value: Attributes) -> Attributes | None:
        return value if REDIS in self._client.describe()["parts"] else None

    def delete(self, value: Attributes) -> None:
        self._client.remove(REDIS)
        self._folder.password(REDIS).unlink(missing_ok=True)
