"""CI calls make targets and nothing else, with actions that cannot change under us."""

import re
import tomllib

import pytest
import yaml

from tests.unit.house.workflow_rules import ROOT, TARGETS, problems

FOLDER = ROOT / ".github" / "workflows"
CI = (FOLDER / "ci.yaml").read_text()
RELEASE = (FOLDER / "release.yaml").read_text()


def steps_of(text: str) -> list[str]:
    jobs = yaml.safe_load(text)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_there_are_three_workflows():
    assert {file.name for file in FOLDER.iterdir()} == {
        "ci.yaml",
        "security.yaml",
        "release.yaml",
    }


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_a_workflow_keeps_the_rules(file):
    assert problems(file.read_text()) == []


def test_one_action_has_one_version_everywhere():
    used = re.findall(r"uses: (\S+)@(\S+)", "".join(f.read_text() for f in FOLDER.iterdir()))

    assert len({action for action, _ in used}) == len(set(used))


def test_every_python_that_the_package_supports_is_tested():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    matrix = yaml.safe_load(CI)["jobs"]["check"]["strategy"]["matrix"]["python"]

    assert package == f">={matrix[0]},<3.{int(matrix[-1].split('.')[1]) + 1}"
    assert matrix == [f"3.{minor}" for minor in range(11, 11 + len(matrix))]


def test_ci_does_what_must_be_done():
    assert {"make lint", "make typecheck", "make test", "make plan", "make images"} <= set(
        steps_of(CI)
    )


def test_a_release_is_refused_before_it_is_built_when_its_notes_are_not_ready():
    steps = steps_of(RELEASE)

    assert steps.index("make release-notes") < steps.index("make release")


def test_the_local_ci_runs_make_targets_too():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    ran = [line.split() for line in lines if line.startswith("make ")]

    assert ran
    assert all(words[1] in TARGETS for words in ran)


@pytest.mark.parametrize(
    ("was", "planted"),
    [
        ("make lint", "ruff check ."),
        ("make lint", "make lint && curl example.com"),
        ("make lint", "make lint X=${{ github.head_ref }}"),
        ("make lint", "make no-such-target"),
        (
            "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0",
            "actions/checkout@v5",
        ),
        (" # v5.0.0", ""),
        ("contents: read", "contents: write"),
        ("permissions:\n  contents: read\n", ""),
        ("persist-credentials: false", "persist-credentials: true"),
        ("ubuntu-24.04", "ubuntu-latest"),
        ("    timeout-minutes: 30\n", ""),
        ("  pull_request:", "  pull_request_target:"),
        ("    timeout-minutes: 30\n", "    timeout-minutes: 30\n    permissions: write-all\n"),
    ],
)
def test_a_planted_mistake_is_found(was, planted):
    assert was in CI
    assert problems(CI.replace(was, planted, 1))
