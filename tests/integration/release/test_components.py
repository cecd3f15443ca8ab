"""`make sbom` lists everything: all that is installed here, all that is deployed."""

import json
import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Components = set[tuple[str, str]]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder that `make sbom` has filled."""
    if not (ROOT / ".venv" / "tools" / ".installed").is_file():
        pytest.skip("cyclonedx-py is not installed: run `make tools`")
    folder = tmp_path_factory.mktemp("components")
    command = ["make", "sbom", f"DIST={folder}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return folder


def components_of(file: Path) -> Components:
    document = json.loads(file.read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "cloudtasker"
    return {(canonical(one["name"]), one["version"]) for one in document["components"]}


def installed() -> Components:
    found = {(canonical(one.metadata["Name"]), one.version) for one in distributions()}
    return {one for one in found if one[0] != "cloudtasker"}


def locked(name: str) -> Components:
    pins = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)",
        (ROOT / "requirements" / name).read_text(),
        re.MULTILINE,
    )
    return {(canonical(one), version) for one, version in pins}


def test_every_installed_package_is_listed(made):
    assert installed() - components_of(made / "installed.cdx.json") == set()
    assert len(installed()) > 100


def test_every_package_that_is_deployed_is_listed_and_no_other(made):
    assert components_of(made / "deployed.cdx.json") == locked("runtime.txt")


def test_what_is_deployed_is_listed_with_its_hashes(made):
    document = json.loads((made / "deployed.cdx.json").read_text())

    without = [one["name"] for one in document["components"] if '"SHA-256"' not in json.dumps(one)]
    assert without == []
