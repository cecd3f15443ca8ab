import pytest

from infra.release_notes import NotReady, main, notes

CHANGELOG = """# Changes

## 0.3.0 (unreleased)

- Later.

## 0.2.0 (2026-11-24)

- The effect first.
- Another.

## 0.1.0 (2026-10-01)

- It began.
"""


@pytest.mark.parametrize("version", ["0.2.0", "v0.2.0"])
def test_the_notes_are_the_section_of_the_version(version):
    assert notes(version, CHANGELOG, "0.2.0") == "- The effect first.\n- Another.\n"


def test_the_last_section_ends_with_the_file():
    assert notes("0.1.0", CHANGELOG, "0.1.0") == "- It began.\n"


@pytest.mark.parametrize(
    ("version", "package", "said"),
    [
        ("0.4.0", "0.4.0", "no section on '0.4.0'; it has 0.3.0, 0.2.0, 0.1.0"),
        ("0.2", "0.2", "no section"),
        ("0.2.0", "0.1.9", "pyproject.toml says 0.1.9; set it to 0.2.0"),
        ("0.3.0", "0.3.0", "write the day there"),
    ],
)
def test_what_is_not_ready_is_refused_with_what_to_mend(version, package, said):
    with pytest.raises(NotReady, match=said):
        notes(version, CHANGELOG, package)


def test_the_command_prints_the_notes_or_why_there_are_none(tmp_path, capsys):
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')

    assert main(["v0.2.0"], tmp_path) == 0
    assert capsys.readouterr().out == "- The effect first.\n- Another.\n"
    assert main(["0.3.0"], tmp_path) == 1
    assert "pyproject.toml says 0.2.0" in capsys.readouterr().err
    assert main([""], tmp_path) == 2
    assert "VERSION=" in capsys.readouterr().err
