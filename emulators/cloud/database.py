"""The embedded Postgres as Cloud SQL would be: its users, its databases, passwords for all.

Cloud SQL proves an IAM user by a token; here such a user has a password that nobody is told, and
the workload's URL is given it when it starts.
"""

import secrets
from contextlib import closing
from pathlib import Path
from typing import Any

import pg8000.native
from pg8000.exceptions import DatabaseError

from emulators.cloud.environment import HOST
from emulators.cloud.folder import Folder

ADMIN = "postgres"
# What Cloud SQL makes a built-in user a member of; databases belong to it.
SUPERUSER = "cloudsqlsuperuser"
_HBA = f"# Every connection has a password.\nhost all all {HOST}/32 scram-sha-256\n"
_LIMIT_SECONDS = 10


class Database:
    """Statements on the server at `port`. Every method is safe to repeat."""

    def __init__(self, folder: Folder, port: int) -> None:
        self._folder = folder
        self._port = port

    def close_to_strangers(self, cluster: Path) -> None:
        """Give the administrator a password and let nobody in without one.

        A new cluster trusts everybody on this machine until then.
        """
        file = cluster / "pg_hba.conf"
        if file.read_text() == _HBA:
            return
        password = self._password(ADMIN)
        self._run(f"ALTER ROLE {ADMIN} PASSWORD {_literal(password)}")
        self._run(f"CREATE ROLE {SUPERUSER} NOLOGIN CREATEDB CREATEROLE", but="42710")
        file.write_text(_HBA)
        self._run("SELECT pg_reload_conf()")

    def create(self, name: str) -> None:
        """Make a database that Cloud SQL's superusers own."""
        self._run(f"CREATE DATABASE {_name(name)} OWNER {SUPERUSER}", but="42P04")
        self._run(f"ALTER DATABASE {_name(name)} OWNER TO {SUPERUSER}")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self._run(f"DROP DATABASE IF EXISTS {_name(name)} WITH (FORCE)")

    def has_database(self, name: str) -> bool:
        """Whether there is such a database."""
        return bool(self._run("SELECT 1 FROM pg_database WHERE datname = :name", name=name))

    def create_user(self, name: str, password: str | None) -> None:
        """Make a user: a built-in one with its password, or an IAM user with one that is made up.

        A user that is there gets the password.
        """
        self._run(f"CREATE ROLE {_name(name)} LOGIN", but="42710")
        secret = password or self._password(name)
        self._run(f"ALTER ROLE {_name(name)} PASSWORD {_literal(secret)}")
        if password:
            self._folder.write(self._folder.password(name), password)
            self._run(f"ALTER ROLE {_name(name)} CREATEDB CREATEROLE")
            self._run(f"GRANT {SUPERUSER} TO {_name(name)}")

    def drop_user(self, name: str) -> None:
        """Remove a user; one that is gone is none. As in the service, who owns something stays."""
        self._run(f"DROP ROLE IF EXISTS {_name(name)}")
        self._folder.password(name).unlink(missing_ok=True)

    def has_user(self, name: str) -> bool:
        """Whether there is such a user."""
        return bool(self._run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=name))

    def _run(
        self, statement: str, *, but: str = "", database: str = ADMIN, **values: Any
    ) -> list[Any]:
        """Run one statement as the administrator; the error with the code `but` is none."""
        with closing(self._connect(database)) as connection:
            try:
                return list(connection.run(statement, **values) or ())
            except DatabaseError as error:
                if not (but and error.args and error.args[0].get("C") == but):
                    raise
                return []

    def _connect(self, database: str) -> pg8000.native.Connection:
        return pg8000.native.Connection(
            ADMIN,
            host=HOST,
            port=self._port,
            database=database,
            password=self._password(ADMIN),
            timeout=_LIMIT_SECONDS,
        )

    def _password(self, user: str) -> str:
        file = self._folder.password(user)
        if not file.exists():
            self._folder.write(file, secrets.token_urlsafe(24))
        return file.read_text()


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
