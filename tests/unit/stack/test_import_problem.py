import pytest

from emulators.stack.import_problem import describe


def problem(tmp_path, code: str):
    """The description of what goes wrong when `code` is functions/noop/main.py."""
    path = tmp_path / "functions" / "noop" / "main.py"
    path.parent.mkdir(parents=True)
    path.write_text(code)
    with pytest.raises(Exception) as caught:  # noqa: PT011  any kind is described
        exec(compile(code, str(path), "exec"), {})  # noqa: S102  as the framework loads it
    return describe(caught.value, path, tmp_path)


def test_a_missing_package_is_named_with_the_command_that_brings_it(tmp_path):
    assert problem(tmp_path, "\n\nimport no_such.module\n")["message"].splitlines() == [
        "CT201 functions/noop/main.py line 3 could not be loaded: No module named 'no_such'.",
        "The other functions are running; deliveries to this one wait.",
        "Fix: pip install no_such, then save the file (it reloads).",
    ]


def test_a_missing_module_of_the_checkout_is_not_to_be_installed(tmp_path):
    (tmp_path / "no_such").mkdir()

    text = problem(tmp_path, "import no_such.module\n")["message"]

    assert "Fix: correct that line, then save" in text


def test_a_syntax_error_is_placed_where_it_is(tmp_path):
    text = problem(tmp_path, "ok = 1\ndef broken(:\n")["message"]

    assert text.startswith("CT201 functions/noop/main.py line 2 could not be loaded: ")


def test_the_innermost_line_of_the_checkout_is_named_and_not_a_library(tmp_path):
    entry = problem(tmp_path, "import json\n\njson.loads('{')\n")

    assert entry["message"].startswith("CT201 functions/noop/main.py line 3 could not be loaded: ")
    assert "JSONDecodeError" in entry["message"]
    assert "Traceback" in entry["traceback"]


def test_an_error_outside_the_checkout_is_blamed_on_the_entry_point(tmp_path):
    source = tmp_path / "functions" / "noop" / "main.py"

    assert describe(ValueError("no"), source, tmp_path)["message"].startswith(
        f"CT201 {source} line 1"
    )
