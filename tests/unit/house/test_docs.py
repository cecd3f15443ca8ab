"""What the READMEs name is there: files that were moved or removed are not told of."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("emulators", "functions", "grpc_gateway", "infra", "protos", "shared", "tests")
FILES = [
    *(file for file in ROOT.iterdir() if file.is_file()),
    *(file for top in FOLDERS for file in (ROOT / top).rglob("*") if file.is_file()),
    *(file for top in ("requirements", ".ci", ".github") for file in (ROOT / top).rglob("*")),
]
PATHS = [f"/{file.relative_to(ROOT)}" for file in FILES if "__pycache__" not in file.parts]
READMES = sorted(f.relative_to(ROOT) for f in FILES if f.suffix == ".md" and f.parent != ROOT)
NAMED = re.compile(r"`([\w.*/-]+\.(?:py|tf|toml|lua|sh|proto|cfg))`")
NOT_OURS = ("google/",)  # where generated code's own sources have them


def named_in(text: str) -> set[str]:
    """The files of ours that a text names in backticks, outside of its examples."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return {name for name in NAMED.findall(prose) if not name.startswith(NOT_OURS)}


@pytest.mark.parametrize("readme", [Path("README.md"), *READMES], ids=str)
def test_every_file_that_a_document_names_is_there(readme):
    named = named_in((ROOT / readme).read_text())

    assert [name for name in named if not any(fnmatch(path, f"*/{name}") for path in PATHS)] == []


@pytest.mark.parametrize("readme", [Path("README.md"), *READMES], ids=str)
def test_every_link_of_a_document_leads_somewhere(readme):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", (ROOT / readme).read_text())

    assert [link for link in links if not (ROOT / readme).parent.joinpath(link).exists()] == []


def test_a_file_that_is_gone_is_found():
    assert named_in("see `shared/nowhere.py`, `google/rpc/status.proto`\n```\n`x.py`\n```") == {
        "shared/nowhere.py"
    }
