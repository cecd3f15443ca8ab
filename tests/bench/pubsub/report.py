"""Shows the comparison: a table for the terminal, Markdown and JSON for files."""

import json
from pathlib import Path

from rich.table import Table

from tests.bench.pubsub.goals import GOOGLES, ROWS, Row, median, ratio_of
from tests.bench.pubsub.run import Results

HEAD = ("what", "ours", "Google's", "ratio", "CPU a message", "goal", "")
MARKS = {"met": "[green]✓ met[/]", "missed": "[red]✗ missed[/]", "": ""}


def cells(row: Row, results: Results) -> tuple[str, ...]:
    """Return a row's texts."""
    samples = results.samples.get(row.key, {})
    ratio = ratio_of(row, samples)
    return (
        row.what,
        figure(row, median(samples, row.ours)),
        figure(row, median(samples, GOOGLES)),
        f"{ratio:.2f}" if ratio is not None else "—",
        cpu(row, results),
        row.goal(),
        row.verdict(samples),
    )


def figure(row: Row, value: float | None) -> str:
    """Return a number with its unit, about three digits of it."""
    if value is None:
        return "—"
    digits = next((n for n, least in enumerate((100, 10, 1)) if value >= least), 3)
    return f"{value:,.{digits}f} {row.unit}"


def cpu(row: Row, results: Results) -> str:
    """Return the processor time a message of both servers, which noise disturbs least."""
    samples = results.cpu.get(row.key, {})
    found = [median(samples, name) for name in (row.ours, GOOGLES)]
    if found[0] is None:
        return ""
    return " : ".join("—" if one is None else f"{one:.0f}" for one in found) + " µs"


def table(results: Results) -> Table:
    """Return the comparison for the terminal."""
    shown = Table(title=results.title, title_justify="left", caption=caption(results))
    shown.caption_justify = "left"
    for number, name in enumerate(HEAD):
        shown.add_column(name, justify="right" if 1 <= number <= 4 else "left", no_wrap=True)
    for row in ROWS:
        *texts, verdict = cells(row, results)
        shown.add_row(*texts, MARKS[verdict])
    return shown


def caption(results: Results) -> str:
    """Return what to know about the figures."""
    before, after = results.load
    return "\n".join(
        (
            f"medians of {results.rounds} rounds; a ratio is the median of each round's",
            f"load of the machine {before:.1f} before, {after:.1f} after, on {results.cores} cores",
            *results.notes,
        )
    )


def write(results: Results, folder: Path) -> None:
    """Write pubsub.md and pubsub.json into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["| " + " | ".join(HEAD) + " |", "| --- | ---: | ---: | ---: | ---: | --- | --- |"]
    lines += ["| " + " | ".join(cells(row, results)) + " |" for row in ROWS]
    text = "\n".join((f"{results.title}\n", *lines, "", caption(results), ""))
    (folder / "pubsub.md").write_text(text)
    facts = {
        "title": results.title,
        "load": results.load,
        "cores": results.cores,
        "notes": results.notes,
        "samples": results.samples,
        "cpu_microseconds_a_message": results.cpu,
        "verdicts": {row.what: row.verdict(results.samples.get(row.key, {})) for row in ROWS},
    }
    (folder / "pubsub.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
