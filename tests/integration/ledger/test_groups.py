"""A group and its members are one commit on Postgres."""

import pg8000.native
import pytest
from uuid_utils.compat import uuid7

from shared.adapters.pg_calls import Calls
from shared.adapters.pg_groups import PostgresGroups
from shared.adapters.postgres import PostgresLedger
from shared.domain.follow_up import FollowUps, NewGroup
from tests.contract.ledger.following import TRACE, new_task
from tests.support.postgres import fresh_database


@pytest.fixture
def url(postgres):
    return fresh_database(postgres, "groups_in_one_commit")


async def test_where_one_member_cannot_be_stored_nothing_is(url):
    ledger, calls = PostgresLedger(url), Calls(url)
    taken = new_task()
    await ledger.add([taken])
    group = NewGroup(uuid7(), 2, FollowUps(), TRACE)
    members = [new_task(group_id=group.id), new_task(group_id=group.id, id=taken.id)]

    with pytest.raises(pg8000.native.DatabaseError, match="duplicate key"):
        await PostgresGroups(calls).open(group, members)

    assert await PostgresGroups(calls).get(group.id) is None
    assert await ledger.get(members[0].id) is None
    calls.close()
    ledger.close()
