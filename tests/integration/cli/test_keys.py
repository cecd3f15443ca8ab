"""`cloudtasker keys` on a real database."""

import json
import os
import subprocess
import sys

import pytest

from shared.domain.api_key import digest_of, parse_token
from tests.support.postgres import PostgresServer, fresh_database


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    return fresh_database(postgres, "keys_command")


@pytest.fixture(autouse=True)
def empty(postgres: PostgresServer, url: str) -> None:
    postgres.run("TRUNCATE api_keys", "keys_command")


def keys(url: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "shared.cli", "keys", *arguments]
    environment = {**os.environ, "CLOUDTASKER_DATABASE_URL": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_key_is_shown_once_and_only_its_hash_is_kept(url, postgres):
    made = keys(url, "create", "--name", "ci", "--scope", "read", "--scope", "enqueue")
    token = made.stdout.strip()

    _, secret = parse_token(token)
    [[kept]] = postgres.run("SELECT encode(digest, 'hex') FROM api_keys", "keys_command")
    assert kept == digest_of(secret).hex()
    assert "cannot be shown again" in made.stderr
    assert secret not in keys(url, "list").stdout


def test_the_list_says_who_may_what_until_when(url):
    keys(url, "create", "--name", "ci", "--scope", "read", "--expires-in", "90d")
    (shown,) = json.loads(keys(url, "list", "-o", "json").stdout)["keys"]

    assert (shown["name"], shown["scopes"], shown["revoked_at"]) == ("ci", ["read"], None)
    assert shown["expires_at"] > shown["created_at"]
    assert "valid" in keys(url, "list").stdout


def test_a_revoked_key_is_listed_as_such(url):
    token = keys(url, "create", "--name", "ci", "--scope", "read", "-q").stdout.strip()
    revoked = keys(url, "revoke", parse_token(token)[0])

    assert revoked.returncode == 0
    assert "revoked" in keys(url, "list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("revoke", "0" * 16), 3, "There is no key"),
        (("create", "--name", "ci"), 2, "--scope"),
        (("create", "--name", "ci", "--scope", "all"), 2, "all"),
        (("create", "--name", "", "--scope", "read"), 2, "1 to 100 characters"),
        (("create", "--name", "ci", "--scope", "read", "--expires-in", "soon"), 2, "no period"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_made(url, postgres, arguments, code, said):
    refused = keys(url, *arguments)

    assert refused.returncode == code
    assert said in refused.stderr
    assert postgres.run("SELECT count(*) FROM api_keys", "keys_command") == [[0]]


def test_a_database_that_is_away_is_named_without_its_password():
    refused = keys("postgresql+pg8000://me:hidden@127.0.0.1:9/nothing", "list")

    assert refused.returncode == 5
    assert "127.0.0.1" in refused.stderr
    assert "hidden" not in refused.stderr
