"""The checks of `cloudtasker doctor` on Pub/Sub as it is: topics, subscriptions, push endpoints."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shared.cli.checkup import Check
from shared.cli.pubsub_look import LookFailed, Topology, add_hold, look
from shared.cli.pubsub_rules import BY_STACK, BY_TERRAFORM, judged, of_gone_types, short, unheard
from shared.cli.setup import Setup
from shared.cli.stack_state import StackState
from shared.client import LOOPBACK, TaskTypeJson
from shared.settings import Settings

if TYPE_CHECKING:
    import httpx

PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Which Pub/Sub is asked; without an address Google's."""

    project: str
    address: str

    @property
    def is_here(self) -> bool:
        """Whether what is missing may be made by us: an emulator on this machine."""
        return bool(self.address) and urlsplit(f"//{self.address}").hostname in LOOPBACK

    @property
    def said(self) -> str:
        """For a person."""
        return f"{self.address or 'Google'}, project {self.project}"


async def pubsub(
    setup: Setup, place: Place | None, types: Sequence[TaskTypeJson], *, fix: bool
) -> list[Check]:
    """All checks on the Pub/Sub at `place`; none where nothing names one."""
    if place is None:
        return []
    try:
        found = await asyncio.to_thread(look, place.project, place.address)
        made = await asyncio.to_thread(_mend, found, place) if fix else []
        if any(check.verdict == "ok" for check in made):
            found = await asyncio.to_thread(look, place.project, place.address)
    except LookFailed as failure:
        return [_unseen(place, failure)]
    checks = judged(found, types, BY_STACK if place.is_here else BY_TERRAFORM)
    return [*made, *checks, *await push_endpoints(setup, found, of_gone_types(found, types))]


def _unseen(place: Place, failure: LookFailed) -> Check:
    """An emulator that is named must answer; who may ask Google need not be on this machine."""
    said = f"{place.said}: {failure}"
    if place.address:
        return Check("topics", "fail", said, "see `cloudtasker status`")
    return Check(
        "topics", "warn", f"not looked at: {said}", "gcloud auth application-default login"
    )


def place_of(state: StackState | None, said: Settings, url: str | None = None) -> Place | None:
    """The stack's Pub/Sub, else the one of PUBSUB_EMULATOR_HOST, else Google's when a project is
    set. The API at a `url` elsewhere has nothing to do with an emulator."""
    address = state.pubsub if state else said.pubsub_emulator_host
    if url and urlsplit(url).hostname not in LOOPBACK:
        address = ""
    if address or said.project != Settings().project:
        return Place(said.project, address)
    return None


def _mend(found: Topology, place: Place) -> list[Check]:
    """Make a subscription for each dead-letter topic that has none, in an emulator of this machine.

    In the cloud Terraform makes them.
    """
    topics = unheard(found)
    if not place.is_here:
        said = (
            "--fix changes emulators of this machine only: it would differ from Terraform's state"
        )
        return [Check("fix", "warn", said, BY_TERRAFORM.unheard)] if topics else []
    return [_added(topic, place.address) for topic in topics]


def _added(topic: str, address: str) -> Check:
    name = f"fix of {short(topic)}"
    try:
        return Check(
            name, "ok", f"made {short(add_hold(topic, address))}, which keeps its messages"
        )
    except LookFailed as failure:
        how = "delete the subscription of this name, whose topic is gone; then the same again"
        return Check(name, "fail", str(failure), how)


async def push_endpoints(setup: Setup, found: Topology, gone: Collection[str] = ()) -> list[Check]:
    """Whether each endpoint that a subscription pushes to answers; of those whose task type is
    `gone` none has to."""
    import httpx

    by_endpoint: dict[str, str] = {}
    for one in found.subscriptions:
        if one.push_endpoint:
            by_endpoint.setdefault(one.push_endpoint, short(one.name))
    client = httpx.AsyncClient(transport=setup.transport, timeout=PATIENCE_SECONDS, trust_env=False)
    async with client:
        asked = [_endpoint(client, url, name) for url, name in by_endpoint.items()]
        checks = await asyncio.gather(*asked)
    wrong = [
        _of_gone_type(one) if by_endpoint[url] in gone else one
        for url, (one, _) in zip(by_endpoint, checks, strict=True)
        if one.verdict != "ok"
    ]
    if wrong or not checks:
        return wrong
    others = sorted({str(status) for _, status in checks if status != httpx.codes.OK})
    # Cloud Run says 404 to whoever is not inside: that something stands there is all that is known.
    said = f", some with {', '.join(others)}" if others else ""
    return [Check("push endpoints", "ok", f"all {len(checks)} answer{said}")]


def _of_gone_type(check: Check) -> Check:
    """It is not in anybody's way, and may hold messages: whoever deleted the type decides."""
    said = f"its task type is gone; what waits there is kept. {check.found}"
    fix = "put the type's folder back, or delete the subscription and the messages that it has"
    return replace(check, verdict="warn", found=said, fix=fix)


async def _endpoint(client: "httpx.AsyncClient", url: str, name: str) -> tuple[Check, int]:
    """GET its /health, which our functions answer without a token; whoever else stands there says
    something, too: the check, and the status."""
    import httpx

    fix = "start what listens there, or delete the subscription if nothing shall"
    check = Check(f"push endpoint of {name}", "fail", url, fix)
    try:
        answer = await client.get(f"{url.rstrip('/')}/health")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        said = str(failure) or type(failure).__name__
        return replace(check, found=f"{url} does not answer: {said}"), 0
    check = replace(check, found=f"{url} answers {answer.status_code}", fix="see its log")
    if not answer.is_server_error:
        check = replace(check, verdict="ok", fix="")
    return check, answer.status_code
