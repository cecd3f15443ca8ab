"""Shows what was measured: a table for the terminal, Markdown, JSON and a plot for files."""

import json
from pathlib import Path

from rich.table import Table

from tests.bench.queue.goals import FLOORS, OURS, ROWS, Row
from tests.bench.queue.run import Results

HEAD = ("what", "ours", "beside", "goal", "")


def cells(row: Row, results: Results) -> tuple[str, ...]:
    """A row's texts."""
    samples = results.samples.get(row.key, {})
    beside = [
        f"{whom} {figure(row.value(samples, whom), row.unit)} ({row.ratio(samples, whom):.2f} ×)"
        for whom in samples
        if whom != OURS and row.ratio(samples, whom) is not None
    ]
    verdict = ""
    if row.judged(samples):
        verdict = "missed: " + ", ".join(row.missed(samples)) if row.missed(samples) else "met"
    return row.what, figure(row.value(samples), row.unit), "; ".join(beside), row.goal(), verdict


def figure(value: float | None, unit: str) -> str:
    """A number with its unit, about three digits of it."""
    if value is None:
        return "—"
    digits = next((n for n, least in enumerate((100, 10, 1)) if value >= least), 3)
    return f"{value:,.{digits}f} {unit}"


def floors(results: Results) -> list[tuple[str, str]]:
    """The floors' names and medians."""
    return [
        (what, figure(sorted(found)[len(found) // 2], unit))
        for key, what, unit in FLOORS
        if (found := results.floors.get(key))
    ]


def table(results: Results) -> Table:
    """The comparison for the terminal."""
    shown = Table(caption=caption(results), caption_justify="left")
    for number, name in enumerate(HEAD):
        shown.add_column(name, justify="right" if number == 1 else "left")
    for row in ROWS:
        if row.key in results.samples:
            *texts, verdict = cells(row, results)
            colour = "green" if verdict == "met" else "red"
            shown.add_row(*texts, f"[{colour}]{verdict}[/]" if verdict else "")
    for what, value in floors(results):
        shown.add_row(what, value, "", "", "")
    return shown


def caption(results: Results) -> str:
    """What to know about the figures."""
    before, after = results.load
    return "\n".join(
        (
            f"medians of {results.rounds} rounds, all in turn in one run; a ratio is the median of"
            " each round's",
            f"load of the machine {before:.1f} before, {after:.1f} after, on {results.cores} cores;"
            " the clients run on the same cores",
            *results.notes,
        )
    )


def write(results: Results, folder: Path) -> None:
    """Write bench.md, bench.json and bench.svg into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["| " + " | ".join(HEAD) + " |", "| --- | ---: | --- | --- | --- |"]
    shown = [row for row in ROWS if row.key in results.samples]
    lines += ["| " + " | ".join(cells(row, results)) + " |" for row in shown]
    lines += [f"| {what} | {value} | | | |" for what, value in floors(results)]
    (folder / "bench.md").write_text("\n".join((*lines, "", caption(results), "")))
    facts = {
        "rounds": results.rounds,
        "load": results.load,
        "cores": results.cores,
        "notes": results.notes,
        "samples": results.samples,
        "floors": results.floors,
        "missed": {row.what: row.missed(results.samples[row.key]) for row in shown},
    }
    (folder / "bench.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    (folder / "bench.svg").write_text(plot(results))


def plot(results: Results) -> str:
    """Bars of the rates that have peers, as an SVG of its own."""
    bars = [
        (row.what if whom == OURS else "", whom, value)
        for row in ROWS
        if row.key in ("end", "enqueue")
        for whom in results.samples.get(row.key, {})
        if (value := row.value(results.samples[row.key], whom))
    ]
    most = max((value for *_, value in bars), default=1.0)
    lines, y = [], 0
    for title, whom, value in bars:
        if title:
            y += 30
            lines.append(f'<text x="0" y="{y}" font-weight="bold">{title}, a second</text>')
            y += 10
        colour = "#1a73e8" if whom == OURS else "#9aa0a6"
        width = 380 * value / most
        lines.append(f'<rect x="130" y="{y}" width="{width:.0f}" height="18" fill="{colour}"/>')
        lines.append(f'<text x="124" y="{y + 14}" text-anchor="end">{whom}</text>')
        lines.append(f'<text x="{136 + width:.0f}" y="{y + 14}">{value:,.0f}</text>')
        y += 24
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13"'
    return f'{head} width="600" height="{y + 10}">\n' + "\n".join(lines) + "\n</svg>\n"
