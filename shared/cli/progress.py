"""How far an operation or a group is, on stderr: a bar on a terminal, else a line a tenth."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from shared.cli.output import Output

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_TENTHS: Final = 10


class Progress:
    """Use it as a context manager; nothing is drawn with `-q`."""

    def __init__(self, title: str, total: int, output: Output) -> None:
        self._output = output
        self._total = total
        self._told = 0
        self._bar: Bar | None = None
        self._task: Any = None
        if sys.stderr.isatty() and not output.quiet:
            self._bar = _bar(output.no_color)
            self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, done: int) -> None:
        """Show how many are done."""
        if self._bar:
            self._bar.update(self._task, completed=done)
            return
        tenth = done * _TENTHS // self._total if self._total else _TENTHS
        if tenth > self._told:
            self._told = tenth
            self._output.note(f"{tenth * 10} % ({done:,} of {self._total:,})")


def _bar(no_color: bool) -> "Bar":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar
    from rich.text import Text

    class _Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed else "")

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True, no_color=True if no_color else None),
    )
