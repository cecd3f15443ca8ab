"""What a workload's environment becomes on this machine."""

from pathlib import Path

import pytest

from emulators.cloud.environment import Place, Unmade, local

USERS = {"ct-noop@p.iam": "made/up"}
HERE = Place("127.0.0.1:8185", "http://127.0.0.1:8186", 15532, USERS.get, Path("/buckets"))


def test_what_is_not_googles_own_side_stays_as_planned():
    planned = {"GOOGLE_CLOUD_PROJECT": "p", "CLOUDTASKER_AUTH": "keys", "MADE_UP": "x"}

    assert local(planned, HERE).items() >= planned.items()


def test_an_iam_users_database_url_gets_the_password_that_it_has_here():
    planned = "cloudsql+pg8000://ct-noop%40p.iam@/tasks?instance=p:r:main"

    assert local({"CLOUDTASKER_DATABASE_URL": planned}, HERE)["CLOUDTASKER_DATABASE_URL"] == (
        "postgresql+pg8000://ct-noop%40p.iam:made%2Fup@127.0.0.1:15532/tasks"
    )


def test_a_bucket_is_a_folder():
    planned = {"CLOUDTASKER_BLOBS_URL": "gs://p-blobs"}

    assert local(planned, HERE) == local({}, HERE) | {
        "CLOUDTASKER_BLOBS_URL": "file:///buckets/p-blobs"
    }


def test_a_built_in_users_password_is_the_planned_one():
    planned = "cloudsql+pg8000://migrate:s3%40cret@/tasks?instance=p:r:main"

    assert (
        "migrate:s3%40cret@127.0.0.1:15532"
        in (local({"CLOUDTASKER_DATABASE_URL": planned}, HERE)["CLOUDTASKER_DATABASE_URL"])
    )


def test_a_database_user_who_was_not_made_is_named():
    planned = "cloudsql+pg8000://stranger@/tasks?instance=p:r:main"

    with pytest.raises(Unmade, match="'stranger'"):
        local({"CLOUDTASKER_DATABASE_URL": planned}, HERE)


def test_a_database_that_is_not_cloud_sqls_is_left_alone():
    planned = {"CLOUDTASKER_DATABASE_URL": "postgresql+pg8000://me@db.example.com/tasks"}

    assert local(planned, HERE).items() >= planned.items()


def test_the_cache_is_reached_without_tls_for_it_has_none_here():
    planned = {"CLOUDTASKER_REDIS_URL": "rediss://:pw@h:1/0", "CLOUDTASKER_REDIS_CA": "PEM"}

    given = local(planned, HERE)

    assert given["CLOUDTASKER_REDIS_URL"] == "redis://:pw@h:1/0"
    assert "CLOUDTASKER_REDIS_CA" not in given


@pytest.mark.parametrize(("planned", "here"), [("platform", "signature"), ("none", "none")])
def test_no_check_of_tokens_is_trusted_that_was_not_made(planned, here):
    assert local({"CLOUDTASKER_PUSH_AUTH": planned}, HERE)["CLOUDTASKER_PUSH_AUTH"] == here
