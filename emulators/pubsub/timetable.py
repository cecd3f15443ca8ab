"""When deadlines and back-offs end: a heap that forgets lazily. It decides nothing."""

import heapq

from emulators.pubsub.entries import Entry


class Timetable:
    """The entries that wait for a moment, which stands in `Entry.due`."""

    def __init__(self, entries: dict[int, Entry]) -> None:
        self._entries = entries
        self._heap: list[tuple[float, int]] = []

    def add(self, entry: Entry) -> None:
        """Note a new `due`; an older note of the same entry no longer counts."""
        # Finished messages leave their notes behind: sweep when those are the most.
        if len(self._heap) > 2 * len(self._entries) + 1000:
            self._heap = [note for note in self._heap if self._holds(note)]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (entry.due, entry.seq))

    def next_at(self) -> float | None:
        """Return the earliest moment, None if nothing waits."""
        while self._heap and not self._holds(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> Entry | None:
        """Return the entry that has waited longest past its moment, None if no moment has come."""
        at = self.next_at()
        if at is None or at > now:
            return None
        return self._entries[heapq.heappop(self._heap)[1]]

    def _holds(self, note: tuple[float, int]) -> bool:
        due, seq = note
        entry = self._entries.get(seq)
        return entry is not None and entry.due == due
