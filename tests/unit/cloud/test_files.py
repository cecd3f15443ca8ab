"""The deployment's folder: workspaces, grants, buckets and secrets as files."""

import stat
import zipfile

import pytest

from emulators.cloud import grants, workspaces
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.cloud.stored import Bucket, BucketObject, SecretVersion
from emulators.terraform.provider import CloudError

GRANT = {"secret_id": "smtp-url", "role": grants.SECRET_ACCESSOR, "member": "serviceAccount:a@b"}
TYPE = "google_secret_manager_secret_iam_member"


class NoParts:
    """A supervisor of nothing."""

    def describe(self):
        return {"parts": {"send-email": {"secrets": ["smtp-url"]}, "noop": {"secrets": []}}}

    def __init__(self):
        self.restarted = []

    def restart(self, name):
        self.restarted.append(name)


@pytest.fixture
def folder(tmp_path) -> Folder:
    made = Folder(tmp_path / "dev")
    made.make()
    return made


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "cloudtasker-abc.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("functions/noop/main.py", "x = 1\n")
    return path


def test_nobody_else_may_look_into_the_folder_or_a_file_of_it(folder):
    folder.write(folder.secret("a") / "1", "s3cret")

    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.secret("a") / "1").stat().st_mode) == 0o600


def test_an_empty_file_is_none_as_a_kill_leaves_it(folder):
    folder.state.write_text("")

    assert folder.read(folder.state) is None


def test_a_damaged_state_is_named_with_the_fix(folder):
    folder.state.write_text("{")

    with pytest.raises(DeployError, match=r"terraform\.tfstate\.backup"):
        folder.read(folder.state)


def test_an_archive_is_unpacked_once(folder, archive):
    place = workspaces.unpack(archive, folder)
    (place / "functions" / "noop" / "main.py").write_text("x = 2\n")

    assert workspaces.unpack(archive, folder) == place
    assert (place / "functions" / "noop" / "main.py").read_text() == "x = 2\n"


def test_the_same_sources_are_the_same_image_and_others_another(folder, archive, tmp_path):
    code = tmp_path / "grpc_gateway" / "__init__.py"
    code.parent.mkdir()
    code.write_text("")
    first = workspaces.gateway_image(archive, tmp_path, folder)
    again = workspaces.gateway_image(archive, tmp_path, folder)
    code.write_text("x = 1\n")
    other = workspaces.gateway_image(archive, tmp_path, folder)

    assert first == again != other
    assert (folder.workspace(f"image-{other}") / "grpc_gateway" / "__init__.py").exists()
    assert (folder.workspace(f"image-{other}") / "functions" / "noop" / "main.py").exists()


def test_workspaces_that_nothing_runs_from_go(folder, archive):
    place = workspaces.unpack(archive, folder)
    (folder.workspace("old")).mkdir()

    workspaces.prune(folder, {place.name})

    assert [one.name for one in folder.workspace("").iterdir()] == [place.name]


def test_a_secret_may_be_read_while_it_is_granted(folder):
    assert not grants.may_read(folder, "smtp-url", "a@b")
    grants.keep(folder, TYPE, GRANT)
    assert grants.may_read(folder, "smtp-url", "a@b")
    assert not grants.may_read(folder, "smtp-url", "c@d")
    assert not grants.may_read(folder, "redis-url", "a@b")
    grants.forget(folder, TYPE, GRANT)
    assert not grants.may_read(folder, "smtp-url", "a@b")


def test_a_new_version_of_a_secret_restarts_who_reads_it(folder):
    client = NoParts()
    secrets = SecretVersion(folder, client)
    first = secrets.create({"secret": "projects/p/secrets/smtp-url", "secret_data_wo": "one"})
    value = {"secret": "projects/p/secrets/smtp-url", "secret_data_wo_version": 1} | first

    second = secrets.update(value, value | {"secret_data_wo_version": 2, "secret_data_wo": "two"})

    assert (first["version"], second["version"]) == ("1", "2")
    assert folder.latest_secret("smtp-url") == "two"
    assert client.restarted == ["send-email", "send-email"]


def test_versions_are_counted_not_sorted_as_words(folder):
    for number in ("2", "10"):
        folder.write(folder.secret("a") / number, number)

    assert folder.latest_secret("a") == "10"


def test_an_archive_that_is_not_there_is_refused_with_the_fix(folder):
    with pytest.raises(CloudError, match="make package"):
        BucketObject(folder).create({"bucket": "b", "name": "n", "source": "/nowhere.zip"})


def test_a_bucket_with_something_in_it_stays(folder, archive):
    bucket, value = Bucket(folder), {"name": "b", "force_destroy": False}
    bucket.create(value)
    BucketObject(folder).create({"bucket": "b", "name": "n", "source": str(archive)})

    with pytest.raises(CloudError, match="not empty"):
        bucket.delete(value)
