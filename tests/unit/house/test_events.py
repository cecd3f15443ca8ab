"""The closed list of log events holds nothing that no line of ours writes."""

from pathlib import Path

import pytest

from shared.telemetry import Event

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    file.read_text()
    for folder in ("functions", "grpc_gateway", "shared")
    for file in (ROOT / folder).rglob("*.py")
]


@pytest.mark.parametrize("event", Event, ids=lambda event: event.value)
def test_an_event_of_the_list_is_written_somewhere(event):
    assert any(f"Event.{event.name}" in text for text in SOURCES)
