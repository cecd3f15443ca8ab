"""A clock that only moves when a test says so."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Call it for the time; `advance` moves it."""

    def __init__(self, now: datetime = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
