"""How e-mails look to a person. Their content is hostile text, drawn as plain text."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.text import Text

from shared.cli.listing import Listing
from shared.cli.task_view import plain_grid
from shared.cli.words import age, clock, cut, plain


def inbox_table(mails: Sequence[Mapping[str, Any]], now: datetime) -> Listing:
    """A line an e-mail; ids whole, so that they can be copied."""
    table = Listing("ID", "AGE", "TO", "SUBJECT", cut_last=True)
    for one in mails:
        to, subject = cut(", ".join(one["to"]), 60), cut(one["subject"], 60)
        table.add_row(one["id"], age(one["received_at"], now).removesuffix(" ago"), to, subject)
    return table


def mail_details(one: Mapping[str, Any]) -> Group:
    """Sender, recipients, subject, then the text as it would be read."""
    head = plain_grid()
    head.add_row("from", Text(plain(one["from"])))
    head.add_row("to", Text(plain(", ".join(one["to"]))))
    head.add_row("subject", Text(plain(one["subject"])))
    head.add_row("received", clock(one["received_at"]))
    body = one["text"] or one["html"] or ""
    return Group(head, "", Text(plain(body.replace("\r\n", "\n")).rstrip()))
