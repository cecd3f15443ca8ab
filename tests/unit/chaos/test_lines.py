"""Every reliability line has tests that exist, and the README tells of the same."""

import ast

import pytest

from tests.chaos.lines import BEGIN, END, LINES, README, table
from tests.chaos.repeat import repetitions
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
