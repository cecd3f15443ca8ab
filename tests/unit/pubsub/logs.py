"""Logs for engine tests: what the messages are is written down in a string or a list."""


class TextLog:
    """Message n has the n-th of `keys` as its ordering key; those that `unwanted` says are not."""

    def __init__(self, keys, *, ordered=True, unwanted=None):
        self.keys = keys
        self.ordered = ordered
        self.filtered = unwanted is not None
        self.unwanted = unwanted

    def key(self, seq):
        return self.keys[seq - 1].strip("-")

    def matches(self, seq):
        return not (self.unwanted and self.unwanted(seq))

    def later(self, key, after, up_to, limit):
        return [seq for seq in range(after + 1, up_to + 1) if self.key(seq) == key][:limit]
