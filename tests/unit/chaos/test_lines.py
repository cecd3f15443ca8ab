"""Every reliability line has tests that exist, and the README tells of the same."""

import ast
import os
import subprocess
import sys

import pytest

from tests.chaos.lines import BEGIN, END, LINES, README, table
from tests.chaos.repeat import VARIABLE, repetitions
from tests.e2e.local_stack import CHECKOUT


def functions_of(path: str) -> set[str]:
    tree = ast.parse((CHECKOUT / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


def test_there_are_the_lines_from_r1_to_r24():
    assert [line.name for line in LINES] == [f"R{n}" for n in range(1, 25)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_every_test_of_a_line_exists(line):
    assert line.tests
    for test in line.tests:
        path, _, name = test.partition("::")
        assert name.startswith("test_")
        assert name in functions_of(path)


def test_the_table_of_the_readme_is_up_to_date():
    written = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert written == table(), "run: python -m tests.chaos.lines"


def test_a_test_runs_as_often_as_its_line_has_loops_and_no_more_than_is_asked_for():
    [line] = [line for line in LINES if line.name == "R4"]
    [test] = line.tests
    assert [repetitions(test, most) for most in (1, 50, 200)] == [1, 50, 50]
    assert repetitions("tests/unit/chaos/test_lines.py::of_no_line", 200) == 1


def test_pytest_repeats_a_test_that_has_parameters_of_its_own():
    [line] = [line for line in LINES if line.name == "R6"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "tests.chaos.repeat"]
    found = subprocess.run(
        [*command, *line.tests],
        cwd=CHECKOUT,
        env={**os.environ, VARIABLE: "7"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert sum(one.startswith(line.tests[0]) for one in found.stdout.splitlines()) % 7 == 0
    assert f"{line.tests[0]}[7" in found.stdout
