"""`cloudtasker new-task`: writes a working task type with its test. Nothing else is edited."""

import builtins
import keyword
import re
from pathlib import Path
from string import Template
from typing import Final

import rich_click as click

from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options

TEMPLATES: Final = Path(__file__).parent / "new_task_template"
USED_BY_THE_TEMPLATES: Final = frozenset(
    {"annotated", "context", "field", "handler", "payload", "settings", "task_context"}
    | {"task_function", "uuid", "validation_error"}
)
"""Names that the written files import, in either spelling: a task type would hide them."""


@click.command("new-task")
@click.argument("name", metavar="NAME")
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="The checkout.  [default: this folder]",
)
@output_options("table", "json")
def new_task(name: str, root: Path, output: Output) -> None:
    """Write a new task type: its folder below functions/, and a test that passes.

    Nothing else has to be edited: routing, validation, topics and Terraform read the folder.
    NAME is lower case with underscores, 3 to 24 characters, such as resize_image.

    \b
    Example:
    $ cloudtasker new-task resize_image
    """
    _check_name(name)
    _check_root(root, name)
    written = [_write(root, file, text) for file, text in _files(name).items()]
    if output.is_table:
        click.echo("\n".join(written))
    else:
        output.document({"task_type": name, "written": written})
    output.note(
        f"Next: describe the work in functions/{name}/payload.py and handler.py, then\n"
        f"  pytest tests/unit/{name}\n"
        f"  cloudtasker tasks enqueue {name} --sample --wait"
    )


def _check_name(name: str) -> None:
    from shared.domain.task_type import NAME_PATTERN, TAKEN_NAMES

    if not re.fullmatch(NAME_PATTERN, name):
        raise _refused(
            f'"{name}" is not the name of a task type.',
            "It must be 3 to 24 lower-case letters, digits and underscores, a letter first and no "
            "underscore last.",
        )
    if name.endswith("_dead"):
        raise _refused(
            f'"{name}" ends in "_dead".',
            f"Its topic would be the dead-letter topic of {name.removesuffix('_dead')}.",
        )
    if name in TAKEN_NAMES | USED_BY_THE_TEMPLATES or _is_python(name):
        raise _refused(f'"{name}" is reserved.', "Python or CloudTasker uses this name itself.")


def _is_python(name: str) -> bool:
    return keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name)


def _check_root(root: Path, name: str) -> None:
    if not (root / "functions").is_dir():
        raise CliError(
            "CT310",
            f"There is no folder functions/ in {root.resolve()}.",
            "Nothing was written.",
            fix="run it in the checkout, or name the checkout with --root.",
            exit_code=Exit.USAGE,
        )
    for folder in (root / "functions" / name, root / "tests" / "unit" / name):
        if folder.exists():
            raise CliError(
                "CT311",
                f"{folder} is already there.",
                "Nothing was written.",
                fix="choose another name, or remove that folder.",
                exit_code=Exit.CONFLICT,
            )


def _files(name: str) -> dict[str, str]:
    """Every file to write, by its path below the root."""
    model = "".join(part.capitalize() for part in name.split("_"))
    tests = f"tests/unit/{name}"
    files = {f"{tests}/__init__.py": ""}
    for template in sorted(TEMPLATES.glob("*.template")):
        file = template.name.removesuffix(".template")
        path = f"{tests}/test_{name}.py" if file == "test.py" else f"functions/{name}/{file}"
        files[path] = Template(template.read_text("utf-8")).substitute(name=name, model=model)
    return files


def _write(root: Path, file: str, text: str) -> str:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return file


def _refused(what: str, why: str) -> CliError:
    return CliError(
        "CT312",
        what,
        why,
        "Nothing was written.",
        fix="choose another name, such as resize_image.",
        exit_code=Exit.USAGE,
    )
