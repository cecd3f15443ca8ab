"""What Pub/Sub's own service agent may do, by the policies of resources and projects."""

import shlex
from types import SimpleNamespace

import pytest

from emulators.pubsub.documents import Documents
from emulators.pubsub.iam.permits import Enforcer, PermitAll, agent_of, is_agent
from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.iam.protos import Binding
from emulators.pubsub.store import Batch

SOURCE, DEAD = "projects/p/subscriptions/readers", "projects/q/topics/dead-letters"
ACCOUNT = "pusher@p.iam.gserviceaccount.com"
AGENT = "serviceAccount:service-123@gcp-sa-pubsub.iam.gserviceaccount.com"
PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"
CREATOR = "roles/iam.serviceAccountTokenCreator"


@pytest.fixture
def policies(store):
    return Policies(Documents("iam_policy", store, SimpleNamespace(batch=Batch())))


@pytest.fixture
def enforcer(policies):
    return Enforcer(policies)


@pytest.fixture
def grant(policies):
    def grant(resource, role, member=AGENT):
        present = policies.of(resource)
        present.bindings.append(Binding(role=role, members=[member]))
        policies.replace(resource, present, audit=False)

    return grant


def test_without_enforcement_everything_may_be_done():
    assert PermitAll().may_dead_letter(SOURCE, DEAD) is None
    assert PermitAll().may_mint(ACCOUNT) is None


def test_dead_lettering_needs_both_grants_and_names_each_that_is_missing(enforcer, grant):
    missing = enforcer.may_dead_letter(SOURCE, DEAD)
    assert f"{PUBLISHER} on {DEAD}" in missing
    assert f"{SUBSCRIBER} on {SOURCE}" in missing

    grant(DEAD, PUBLISHER)
    missing = enforcer.may_dead_letter(SOURCE, DEAD)
    assert PUBLISHER not in missing
    assert SUBSCRIBER in missing

    grant(SOURCE, SUBSCRIBER)
    assert enforcer.may_dead_letter(SOURCE, DEAD) is None


def test_grants_on_the_projects_of_both_count(enforcer, grant):
    grant("projects/q", PUBLISHER)
    grant("projects/p", SUBSCRIBER)

    assert enforcer.may_dead_letter(SOURCE, DEAD) is None


@pytest.mark.parametrize(
    "member",
    ["user:a@b", "serviceAccount:service-123@gcp-sa-other.iam.gserviceaccount.com"],
)
def test_grants_to_others_do_not_count(enforcer, grant, member):
    grant(DEAD, PUBLISHER, member)
    grant(SOURCE, SUBSCRIBER, member)

    assert enforcer.may_dead_letter(SOURCE, DEAD)


def test_tokens_need_the_token_creator_on_the_account(enforcer, grant):
    assert CREATOR in enforcer.may_mint(ACCOUNT)

    grant(f"projects/-/serviceAccounts/{ACCOUNT}", CREATOR)

    assert enforcer.may_mint(ACCOUNT) is None
    assert enforcer.may_mint("other@p.iam.gserviceaccount.com")


@pytest.mark.parametrize("role", [CREATOR, "roles/pubsub.serviceAgent", "roles/owner"])
def test_tokens_may_be_granted_for_all_accounts_of_a_project(enforcer, grant, role):
    grant("projects/p", role)

    assert enforcer.may_mint(ACCOUNT) is None
    assert enforcer.may_mint("pusher@q.iam.gserviceaccount.com")


def test_an_account_of_no_project_can_be_asked_about(enforcer):
    assert "nobody" in enforcer.may_mint("nobody")


def test_the_command_in_the_text_makes_the_grant_that_is_missing(enforcer, grant):
    command = shlex.split(enforcer.may_mint(ACCOUNT).split("Grant it: ")[1])
    options = dict(word.removeprefix("--").split("=") for word in command if word[:2] == "--")

    grant(f"projects/-/serviceAccounts/{command[4]}", options["role"], options["member"])

    assert enforcer.may_mint(ACCOUNT) is None


def test_a_projects_agent_is_always_the_same_and_recognised():
    assert agent_of("p") == agent_of("p") != agent_of("q")
    assert is_agent(f"serviceAccount:{agent_of('p')}")
