"""The filter language of subscriptions, compiled once to a function of a message's attributes.

Pure: it knows neither messages nor subscriptions.
"""

import re
from collections.abc import Callable, Mapping

from emulators.pubsub.errors import InvalidArgument

MAX_FILTER_BYTES = 256

Filter = Callable[[Mapping[str, str]], bool]

_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"[A-Za-z0-9_-]+")  # a key with other characters is written as a string
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9_-]+|.", re.DOTALL)  # what an error message quotes
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[xX]([0-9A-Fa-f]{2})|([0-3]?[0-7]{1,2})|(.))",
    re.DOTALL,
)
_SIMPLE = dict(zip("abfnrtv\\\"'?`", "\a\b\f\n\r\t\v\\\"'?`", strict=True))


def parse_filter(text: str) -> Filter:
    """Return the function that says whether attributes match; an empty filter matches all.

    Raises: InvalidArgument for more than 256 bytes, or naming the place that is wrong.
    Source: Pub/Sub, "Filter messages from a subscription", filtering syntax.
    """
    size = len(text.encode())
    if size > MAX_FILTER_BYTES:
        raise InvalidArgument(f"the filter has {size} bytes, the limit is {MAX_FILTER_BYTES}")
    return _Parser(text).parse() if text.strip() else _everything


class _Parser:
    """Recursive descent over the text; its depth is bounded by the filter's length."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> Filter:
        result = self._expression()
        if self._at < len(self._text):
            raise self._error("AND, OR or the end")
        return result

    def _expression(self) -> Filter:
        """Read terms joined by AND, or by OR."""
        terms = [self._term()]
        operator = self._operator()
        while operator and self._accept_keyword(operator):
            terms.append(self._term())
        if operator and self._operator():
            raise self._error("parentheses, because AND and OR do not mix without,")
        if not operator:
            return terms[0]
        return _all(terms) if operator == "AND" else _any(terms)

    def _term(self) -> Filter:
        self._skip_space()
        if self._accept("-") or self._accept_keyword("NOT"):
            return _not(self._term())
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._accept_keyword("hasPrefix"):
            return self._has_prefix()
        if self._accept_keyword("attributes"):
            return self._presence() if self._accept(":") else self._comparison()
        raise self._error("attributes, hasPrefix, NOT, - or (")

    def _presence(self) -> Filter:
        key = self._key()
        return lambda attributes: key in attributes

    def _comparison(self) -> Filter:
        self._expect(".")
        key = self._key()
        if self._accept("!="):
            value = self._string()
            return lambda attributes: attributes.get(key) != value
        self._expect("=")
        value = self._string()
        return lambda attributes: attributes.get(key) == value

    def _has_prefix(self) -> Filter:
        self._expect("(")
        if not self._accept_keyword("attributes"):
            raise self._error("attributes")
        self._expect(".")
        key = self._key()
        self._expect(",")
        prefix = self._string()
        self._expect(")")
        return lambda attributes: key in attributes and attributes[key].startswith(prefix)

    # Words

    def _operator(self) -> str:
        return next((word for word in ("AND", "OR") if self._is_keyword(word)), "")

    def _key(self) -> str:
        self._skip_space()
        if match := _KEY.match(self._text, self._at):
            self._at = match.end()
            self._skip_space()
            return match[0]
        return self._string("an attribute's key")

    def _string(self, what: str = 'a string in "double quotes"') -> str:
        self._skip_space()
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise self._error(what)
        value = _ESCAPE.sub(self._unescaped, match[1])
        self._at = match.end()
        self._skip_space()
        return value

    def _unescaped(self, escape: re.Match[str]) -> str:
        *hexadecimal, octal, simple = escape.groups()
        if simple:
            code = _SIMPLE.get(simple)
            if code is None:
                raise self._error(f"a known escape instead of {escape[0]!r}")
            return code
        digits = next((digits for digits in hexadecimal if digits), None)
        code_point = int(digits, 16) if digits else int(octal, 8)
        if code_point > 0x10FFFF or 0xD800 <= code_point < 0xE000:
            raise self._error(f"a Unicode character instead of {escape[0]!r}")
        return chr(code_point)

    def _is_keyword(self, word: str) -> bool:
        end = self._at + len(word)
        follows = self._text[end : end + 1]
        return self._text.startswith(word, self._at) and not (follows.isalnum() or follows == "_")

    def _accept_keyword(self, word: str) -> bool:
        return self._is_keyword(word) and self._accept(word)

    def _accept(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        self._skip_space()
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise self._error(token)

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _error(self, expected: str) -> InvalidArgument:
        found = _WORD.match(self._text, self._at)
        return InvalidArgument(
            f"filter {self._text!r}: expected {expected} at character {self._at + 1}, "
            f"found {found[0]!r}"
            if found
            else f"filter {self._text!r}: expected {expected} at the end"
        )


def _everything(_: Mapping[str, str]) -> bool:
    return True


def _not(term: Filter) -> Filter:
    return lambda attributes: not term(attributes)


def _all(terms: list[Filter]) -> Filter:
    return lambda attributes: all(term(attributes) for term in terms)


def _any(terms: list[Filter]) -> Filter:
    return lambda attributes: any(term(attributes) for term in terms)
