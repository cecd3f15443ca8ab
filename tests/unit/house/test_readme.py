"""The README says what the code does."""

import re
import subprocess

from shared.cli.main import COMMANDS
from shared.settings import ROOT
from shared.variables import VARIABLES

README = (ROOT / "README.md").read_text()


def test_the_settings_table_is_the_code_s():
    rows = "\n".join(
        f"| `{v.name}` | {f'`{v.default}`' if v.default else '—'} | {v.meaning} |"
        for v in VARIABLES
    )
    table = f"| variable | default | meaning |\n| --- | --- | --- |\n{rows}"
    [written] = re.findall(r"<!-- settings -->\n(.*?)\n?<!-- /settings -->", README, re.DOTALL)
    assert written.strip() == table, f"paste this into the README:\n{table}"


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= targets


def test_make_alone_lists_every_target_that_has_a_purpose():
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "run", "test", "lint", "typecheck", "check", "new-task"):
        assert f"make {target} " in said


def test_the_readme_names_every_command_of_the_command_line():
    [line] = re.findall(r"`\.venv/bin/cloudtasker --help`.*?for scripts\.", README, re.DOTALL)
    assert {name for name in COMMANDS if not re.search(rf"`{name}[ `]", line)} == set()
