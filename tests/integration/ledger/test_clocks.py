"""A process whose clock is five minutes off decides nothing wrongly: the database's clock does."""

import json
import subprocess
import sys

import pytest

from shared.domain.ledger_rules import LEASE_SECONDS
from shared.settings import ROOT
from tests.support.postgres import fresh_database

DATABASE = "clocks"
SHIFTED = """
import asyncio, datetime as dt, json, sys, time
shift, url = float(sys.argv[1]), sys.argv[2]
real_time, real = time.time, dt.datetime
time.time = lambda: real_time() + shift

class Shifted(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + dt.timedelta(seconds=shift)

dt.datetime = Shifted

from uuid_utils.compat import uuid7
from shared.adapters.memory import MemoryPublisher
from shared.adapters.cron import CronCalendar
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_schedules import PostgresSchedules
from shared.adapters.pg_upkeep import PostgresUpkeep
from shared.adapters.postgres import PostgresLedger
from shared.domain.schedule import NewSchedule
from shared.domain.task import NewTask
from shared.services.enqueue import EnqueueService
from shared.services.relay import RelayService
from shared.services.schedules import FiringService, ScheduleService
from tests.support.task_types import catalogue

assert abs(Shifted.now(dt.UTC).timestamp() - real_time() - shift) < 1

async def main():
    ledger, calls, types = PostgresLedger(url), Calls(url), catalogue()
    publisher, schedules = MemoryPublisher(), PostgresSchedules(calls)
    firing = FiringService(types, schedules, CronCalendar())
    relay = RelayService(
        types, ledger, publisher, PostgresUpkeep(calls), firing, project="p"
    )
    service = ScheduleService(types, schedules, CronCalendar(), None)
    soon, later, held = (NewTask(uuid7(), "greet", {"name": "Ada"}, "", **more)
                         for more in ({"delay_seconds": 1.0}, {"delay_seconds": 120.0}, {}))
    await ledger.add([soon, later, held])
    await ledger.claim(held.id, 0, types["greet"])
    await service.create({"name": "s", "task_type": "greet", "cron": "* * * * *",
                          "payload": {"name": "Ada"}}, actor="ana")
    await relay.run(2.5)
    print(json.dumps({"published": [m.attributes["task_id"] for m in publisher.messages],
                      "soon": str(soon.id), "later": str(later.id), "held": str(held.id)}))
    ledger.close()
    calls.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def database(postgres):
    return fresh_database(postgres, DATABASE)


@pytest.fixture
def url(postgres, database):
    postgres.run("TRUNCATE tasks, schedules CASCADE", DATABASE)
    return database


@pytest.mark.parametrize("shift", [-300, 300])
def test_leases_delays_and_schedules_follow_the_database_s_clock(postgres, url, shift):
    command = [sys.executable, "-c", SHIFTED, str(shift), url]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout.splitlines()[-1])

    assert found["soon"] in found["published"]
    assert found["later"] not in found["published"]
    [[made_now, lease, schedule]] = postgres.run(
        "SELECT (SELECT abs(extract(epoch FROM now() - created_at)) < 60 FROM tasks "
        f"         WHERE id = '{found['later']}'), "
        "       (SELECT extract(epoch FROM lease_expires_at - started_at)::float8 FROM tasks "
        f"         WHERE id = '{found['held']}'), "
        "       (SELECT next_at - now() BETWEEN interval '0' AND interval '1 minute' "
        "          FROM schedules)",
        DATABASE,
    )
    assert (made_now, lease, schedule) == (True, LEASE_SECONDS, True)
