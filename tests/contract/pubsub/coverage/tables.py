"""Makes the two tables and puts them between the README's markers.

RPCs come from the API's own lists, "differs" from the handlers' docstrings, Google's column of a
feature from the contract tests that show it: those that need `only_ours` fail there.
"""

import json
import re
import tomllib
from collections import Counter
from pathlib import Path

from emulators.pubsub.options import Options
from emulators.pubsub.rest.routes import ROUTES
from emulators.pubsub.server import Emulator
from tests.contract.pubsub.coverage.api import all_rpcs
from tests.contract.pubsub.coverage.collecting import ROOT, only_ours
from tests.contract.pubsub.coverage.googles_rpcs import FILE as GOOGLES

README = ROOT / "emulators" / "pubsub" / "README.md"
FEATURES = Path(__file__).with_name("features.toml")
BEGIN = "<!-- {} made by `python -m tests.contract.pubsub.coverage`; do not edit -->"
END = "<!-- end of {} -->"


async def with_tables(readme):
    """Return the README's text with both tables made anew."""
    for name, table in (("rpcs:", await rpc_table()), ("features:", feature_table())):
        begin, end = BEGIN.format(name), END.format(name.rstrip(":"))
        head, _, rest = readme.partition(begin)
        _, found, tail = rest.partition(end)
        assert found, f"the README has no {begin} … {end}"
        readme = f"{head}{begin}\n{table}\n{end}{tail}"
    return readme


async def rpc_table():
    """Return the table of all RPCs."""
    unary, streams = await handlers()
    rest = {route.rpc for route in ROUTES}
    googles = json.loads(GOOGLES.read_text())
    rows = []
    for name in all_rpcs():
        handler = unary.get(name) or streams.get(name)
        service, _, rpc = name.rpartition("/")
        rows.append(
            (
                f"{service.rpartition('.')[2]}.{rpc}",
                "yes" if handler else "no",
                "yes" if name in rest and handler else "no" if name in unary else "–",
                "no" if name in googles["unimplemented"] else "yes",
                differs(handler.answer) if handler else "",
            )
        )
    heads = ("RPC", "gRPC", "REST", f"Google's {googles['version']}", "differs from the service")
    return markdown(heads, rows)


async def handlers():
    """Return the unary and the streaming methods of an emulator."""
    emulator = Emulator(Options(port=0, http_port=0, durability="memory"))
    try:
        await emulator.start()
        return emulator.rpcs.unary, emulator.rpcs.streams
    finally:
        await emulator.stop()


def differs(function):
    """Return what a handler's docstring says after "Differs from the service:"."""
    text = " ".join((function.__doc__ or "").split())
    return text.partition("Differs from the service: ")[2].rstrip(".")


def feature_table():
    """Return the table of all features."""
    features = tomllib.loads(FEATURES.read_text())["feature"]
    ours_alone = only_ours()
    rows = [
        (row["name"], row["here"], row.get("differs", ""), googles_of(row, ours_alone))
        for row in features
    ]
    return markdown(("feature", "here", "differs from the service", "Google's 0.8.20"), rows)


def googles_of(row, ours_alone):
    """Return how Google's emulator does in the tests of a feature, and the row's own words."""
    if "tests" not in row:
        return row["googles"]
    count = Counter(ours_alone[test] for test in row["tests"])
    verdict = "yes" if not count[True] else "partly" if count[False] else "no"
    return f"{verdict}: {row['googles']}" if "googles" in row else verdict


def markdown(heads, rows):
    """Return a table; a cell's own bars are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in cells)
