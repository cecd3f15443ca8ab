from dataclasses import replace

import pytest

from emulators.stack import environment
from emulators.stack.environment import Addresses
from emulators.stack.errors import StackError
from emulators.stack.options import External, parse

ADDRESSES = Addresses(
    "postgresql://db", "redis://cache", "127.0.0.1:8085", "http://127.0.0.1:8086", 1025
)


def test_data_lies_in_the_checkout_unless_told_otherwise(tmp_path):
    assert parse(["--root", str(tmp_path)]).data_dir == tmp_path / ".cloudtasker"
    assert parse(["--root", str(tmp_path), "--data-dir", "/data"]).data_dir.name == "data"


def test_ports_are_defaults_until_asked_for():
    assert parse([]).rest_port is None
    assert parse(["--rest-port", "6000", "--grpc-port", "6001"]).grpc_port == 6001


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_an_impossible_port_is_a_usage_error(port, capsys):
    with pytest.raises(SystemExit) as caught:
        parse([f"--rest-port={port}"])

    assert caught.value.code == 2
    assert "it must be 1 to 65535" in capsys.readouterr().err


def test_product_processes_get_every_address(tmp_path):
    got = environment.product(tmp_path, {}, ADDRESSES, tmp_path / "data")

    assert got["CLOUDTASKER_DATABASE_URL"] == "postgresql://db"
    assert got["CLOUDTASKER_REDIS_URL"] == "redis://cache"
    assert got["PUBSUB_EMULATOR_HOST"] == "127.0.0.1:8085"
    assert got["CLOUDTASKER_PUSH_ISSUER_KEYS_URL"] == "http://127.0.0.1:8086/oauth2/v3/certs"
    assert got["CLOUDTASKER_SMTP_URL"] == "smtp://127.0.0.1:1025"
    assert got["CLOUDTASKER_BLOBS_URL"] == f"file://{tmp_path}/data/blobs"
    assert got["CLOUDTASKER_PUSH_AUTH"] == "signature"
    assert got["HOST"] == "127.0.0.1"
    assert got["PYTHONPATH"].startswith(str(tmp_path))


def test_an_emulator_without_keys_leaves_their_address_to_the_products_default(tmp_path):
    without = replace(ADDRESSES, pubsub_http="")

    got = environment.product(tmp_path, {}, without, tmp_path)

    assert "CLOUDTASKER_PUSH_ISSUER_KEYS_URL" not in got


def test_the_users_own_choices_win_but_not_over_the_addresses_of_the_run(tmp_path):
    own = {"CLOUDTASKER_AUTH": "keys", "HOST": "0.0.0.0", "CLOUDTASKER_LOG": "pretty"}  # noqa: S104

    got = environment.product(tmp_path, own, ADDRESSES, tmp_path)

    assert got["CLOUDTASKER_AUTH"] == "keys"
    assert (got["HOST"], got["CLOUDTASKER_LOG"]) == ("127.0.0.1", "json")


def test_a_foreign_emulator_needs_a_word_about_its_tokens():
    external = External.of({"PUBSUB_EMULATOR_HOST": "127.0.0.1:9000"})

    with pytest.raises(StackError, match="CT108"):
        environment.pubsub_http_of(external, {})


def test_a_foreign_emulator_without_tokens_or_with_known_keys_is_taken():
    external = External.of({"PUBSUB_EMULATOR_HOST": "127.0.0.1:9000"})
    keys = {"CLOUDTASKER_PUSH_ISSUER_KEYS_URL": "http://127.0.0.1:9001/oauth2/v3/certs"}

    assert environment.pubsub_http_of(external, {"CLOUDTASKER_PUSH_AUTH": "none"}) == ""
    assert environment.pubsub_http_of(external, keys) == "http://127.0.0.1:9001"
