"""Fire the jobs. Calls may overlap; between them the process sleeps without polling."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from emulators.scheduler.http import HttpError, call, id_token
from emulators.scheduler.job import Job

_CALLS_PER_JOB = 4


class Runner:
    """Keeps the schedule of `jobs`; the tokens of those with oidc come from `token_endpoint`."""

    def __init__(self, jobs: Sequence[Job], token_endpoint: str) -> None:
        self._jobs = jobs
        self._token_endpoint = token_endpoint
        self._calls = ThreadPoolExecutor(max_workers=_CALLS_PER_JOB * max(1, len(jobs)))
        self._firing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run every job for ever."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._keep(job))

    async def _keep(self, job: Job) -> None:
        scheduled = datetime.now(UTC)
        while True:
            firing = asyncio.create_task(self._fire(job, scheduled))
            self._firing.add(firing)
            firing.add_done_callback(self._firing.discard)
            scheduled = job.schedule.next_after(max(scheduled, datetime.now(UTC)))
            await _sleep_until(scheduled)

    async def _fire(self, job: Job, scheduled: datetime) -> None:
        """One firing: an attempt, and as many more after failures as the job allows."""
        for attempt in range(1, job.retry.count + 2):
            if await self._attempt(job, scheduled):
                return
            if attempt <= job.retry.count:
                await asyncio.sleep(job.retry.pause(attempt))

    async def _attempt(self, job: Job, scheduled: datetime) -> bool:
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        try:
            status = await loop.run_in_executor(self._calls, self._call, job, scheduled)
        except HttpError as error:
            _log("WARNING", f"{job.name} was not reached: {error}")
            return False
        fine = 200 <= status < 300
        took = time.monotonic() - began
        _log("DEBUG" if fine else "WARNING", f"{job.name} answered {status} after {took:.1f} s")
        return fine

    def _call(self, job: Job, scheduled: datetime) -> int:
        token = id_token(self._token_endpoint, job.oidc) if job.oidc else ""
        headers = job.headers_at(scheduled, token)
        limit = job.attempt_deadline_seconds
        return call(job.method, job.uri, headers, job.body.encode(), limit)[0]


async def _sleep_until(moment: datetime) -> None:
    """Sleep by the wall clock, which may be set or lose a suspended laptop's night meanwhile."""
    rest = (moment - datetime.now(UTC)).total_seconds()
    while rest > 0:
        await asyncio.sleep(rest)
        rest = (moment - datetime.now(UTC)).total_seconds()


def _log(severity: str, message: str) -> None:
    print(json.dumps({"severity": severity, "message": message}), file=sys.stdout, flush=True)
