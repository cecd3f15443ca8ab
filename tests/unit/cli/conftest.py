"""The command line, on fakes."""

import pytest

from tests.unit.cli.command_line import CommandLine


@pytest.fixture
def cloudtasker(tmp_path) -> CommandLine:
    return CommandLine(tmp_path)
