"""Kinds of values on the command line that Click does not know, each with a clear refusal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import rich_click as click

from shared.cli.setup import Setup
from shared.cli.words import moment_of, period_of


class KeyValue(click.ParamType[tuple[str, str]]):
    """`key=value`, split at the first `=`."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two halves."""
        key, equals, rest = str(value).partition("=")
        if not equals or not key:
            self.fail(f"{value!r} is not of the form key=value", param, ctx)
        return key, rest


class Moment(click.ParamType[datetime]):
    """A moment: `30m`, `2h`, `1d` (that long ago), or RFC 3339."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Counted from the present of the set-up."""
        setup = ctx.find_object(Setup) if ctx else None
        try:
            return moment_of(str(value), (setup or Setup()).now())
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time; say 30m, 2h or 1d (that long ago), or 2026-11-24T10:00",
                param,
                ctx,
            )


class Instant(click.ParamType[datetime]):
    """An exact moment, RFC 3339; without a zone it is UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment, aware."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; say 2026-11-24T10:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Period(click.ParamType[float]):
    """A length of time: `90`, `30s`, `15m`, `12h`, `7d`. Its value is in seconds."""

    name = "period"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds; a bare number is one of seconds."""
        text = str(value)
        try:
            return float(text) if text[-1:].isdigit() else period_of(text).total_seconds()
        except ValueError:
            self.fail(f"{value!r} is no period; say 90, 30s, 15m, 12h or 7d", param, ctx)


class FollowUp(click.ParamType[dict[str, Any]]):
    """What shall follow: a task type's name, or the API's JSON object for it."""

    name = "follow-up"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The object; a bare name has an empty payload."""
        text = str(value)
        if not text.lstrip().startswith("{"):
            return {"task_type": text, "payload": {}}
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as broken:
            self.fail(f"it is not JSON: {broken}", param, ctx)
        return found


def label_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add `--label key=value`, repeatable; the command gets a dictionary `labels`."""
    return click.option(
        "--label",
        "labels",
        type=KeyValue(),
        multiple=True,
        callback=lambda _context, _option, pairs: dict(pairs),
        help=text,
    )
