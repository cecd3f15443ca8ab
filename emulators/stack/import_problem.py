"""Why a function could not be loaded, as a log entry for people (CT201). Pure."""

import traceback
from pathlib import Path


def describe(error: Exception, source: Path, root: Path) -> dict[str, str]:
    """A log entry that names the file and line of the checkout, the cause and the fix."""
    file, line = _place(error, root) or (str(source), 1)
    return {
        "severity": "CRITICAL",
        "event": "function_not_loaded",
        "message": "\n".join(
            [
                f"CT201 {file} line {line} could not be loaded: {_cause(error)}.",
                "The other functions are running; deliveries to this one wait.",
                f"Fix: {_fix(error, root)}, then save the file (it reloads).",
            ]
        ),
        "traceback": "".join(traceback.format_exception(error)),
    }


def _place(error: Exception, root: Path) -> tuple[str, int] | None:
    """The innermost line that belongs to the checkout; libraries are not the reader's to fix."""
    if isinstance(error, SyntaxError) and error.filename:
        places = [(error.filename, error.lineno or 1)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        places = [(frame.filename, frame.lineno or 1) for frame in reversed(frames)]
    for name, line in places:
        path = Path(name)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            return str(path.relative_to(root)), line
    return None


def _cause(error: Exception) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    if isinstance(error, ImportError):
        return text
    return f"{type(error).__name__}: {text}"


def _fix(error: Exception, root: Path) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if not (root / package).exists():
            return f"pip install {package}"
    return "correct that line"
