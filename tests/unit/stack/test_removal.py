"""Data that is removed is gone from its place at once, and is deleted in the end."""

import pytest

from emulators.stack.removal import finish, remove


@pytest.fixture
def folder(tmp_path):
    return made(tmp_path / "data")


@pytest.fixture
def half_removed(tmp_path):
    """What a run left that was killed while it removed."""
    return made(tmp_path / "data.removed")


def made(folder):
    folder.mkdir()
    (folder / "PG_VERSION").touch()
    return folder


def test_nothing_is_left_of_a_removed_folder(folder, half_removed):
    remove(folder)

    assert list(folder.parent.iterdir()) == []


def test_what_is_not_there_is_removed_already(tmp_path):
    remove(tmp_path / "data")


def test_a_removal_that_was_killed_is_finished_and_what_was_made_since_stays(folder, half_removed):
    finish(folder)

    assert (folder / "PG_VERSION").exists()
    assert not half_removed.exists()
