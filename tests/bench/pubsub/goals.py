"""What is measured and what is aimed at: the table of the emulator's goals, pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

NORMAL, FULL, GOOGLES = "normal", "full", "google's"
Samples = Mapping[str, Sequence[float]]  # by server, in the order of the rounds


@dataclass(frozen=True)
class Row:
    """One line. `ours` is the server compared; `ratio` and `least`/`most` bound what is aimed at.

    `higher` says whether more is better, so which way `ratio` bounds ours over Google's.
    """

    key: str
    what: str
    unit: str
    ours: str = NORMAL
    higher: bool = True
    ratio: float | None = None
    least: float | None = None
    most: float | None = None

    def goal(self) -> str:
        """Return the goal in words."""
        sign = "≥" if self.higher else "≤"
        parts = [f"{sign} {self.ratio:g} ×"] if self.ratio else []
        parts += [f"≥ {self.least:,g} {self.unit}"] if self.least else []
        parts += [f"≤ {self.most:,g} {self.unit}"] if self.most else []
        return " and ".join(parts)

    def verdict(self, samples: Samples) -> str:
        """Return met, missed, or an empty text where nothing could be judged."""
        ours, ratio = median(samples, self.ours), ratio_of(self, samples)
        checks = [
            ours is not None and self.least is not None and ours >= self.least,
            ours is not None and self.most is not None and ours <= self.most,
            ratio is not None and self.ratio is not None and self._is_kept(ratio),
        ]
        wanted = [
            ours is not None and self.least is not None,
            ours is not None and self.most is not None,
            ratio is not None and self.ratio is not None,
        ]
        if not any(wanted):
            return ""
        return "met" if checks == wanted else "missed"

    def _is_kept(self, ratio: float) -> bool:
        if self.ratio is None:
            return False
        return ratio >= self.ratio if self.higher else ratio <= self.ratio


def median(samples: Samples, server: str) -> float | None:
    """Return the median of a server's samples, None without any."""
    found = samples.get(server)
    return statistics.median(found) if found else None


def ratio_of(row: Row, samples: Samples) -> float | None:
    """Return the median over the rounds of ours by Google's, each pair measured close together."""
    pairs = zip(samples.get(row.ours, ()), samples.get(GOOGLES, ()), strict=False)
    ratios = [ours / theirs for ours, theirs in pairs if theirs]
    return statistics.median(ratios) if ratios else None


def _row(key: str, what: str, unit: str, **more: object) -> Row:
    make: Callable[..., Row] = Row
    return make(key, what, unit, **more)


ROWS = (
    _row("start", "start to first answer", "s", higher=False, ratio=0.5),
    _row("idle", "memory, idle", "MB", higher=False, ratio=0.8),
    _row("after", "memory, after all this", "MB", higher=False, ratio=0.6),
    _row("publish-100", "client publish 100 B, normal", "/s", ratio=1.8),
    _row("publish-100", "client publish 100 B, full", "/s", ours=FULL, ratio=1.1),
    _row("publish-1000", "client publish 1 KB, normal", "/s", ratio=1.8),
    _row("publish-1000", "client publish 1 KB, full", "/s", ours=FULL, ratio=1.1),
    _row("raw", "raw publish of 500 × 1 KB, normal", "/s", ratio=0.5),
    _row("stream", "StreamingPull, official client", "/s", ratio=4),
    _row("push", "push to a fast endpoint, acked", "/s", ratio=6, least=3000),
    _row("slow", "push to an endpoint of 3 s", "/s", ratio=20),
    _row("waiting", "memory, 1,000,000 waiting of 1 KB", "MB", higher=False, most=150),
    _row("growth", "… over that with 1,000 waiting", "×", higher=False, most=1.2),
    _row("restart", "… restart after kill -9", "s", higher=False, most=5),
    _row("first", "… first delivery after it", "s", higher=False, most=1),
)
