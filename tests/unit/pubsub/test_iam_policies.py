"""IAM policies: what one may contain, etags, versions, and who is granted what."""

from types import SimpleNamespace

import pytest

from emulators.pubsub.documents import Documents
from emulators.pubsub.errors import Aborted, InvalidArgument
from emulators.pubsub.iam import protos
from emulators.pubsub.iam.bindings import MOST_MEMBERS, check_policy, merged, without_conditions
from emulators.pubsub.iam.policies import NO_POLICY_ETAG, Policies
from emulators.pubsub.iam.protos import Binding, Policy
from emulators.pubsub.iam.roles import grants, is_testable
from emulators.pubsub.store import Batch
from tests.unit.pubsub.test_protos import fields_of_stub

TOPIC = "projects/p/topics/letters"
PUBLISHER = "roles/pubsub.publisher"


@pytest.fixture
def journal():
    return SimpleNamespace(batch=Batch())


@pytest.fixture
def policies(store, journal):
    return Policies(Documents("iam_policy", store, journal))


def policy(*members, role=PUBLISHER, **fields):
    return Policy(bindings=[Binding(role=role, members=members)], **fields)


def conditional(version=3):
    made = policy("user:a@b", version=version)
    made.bindings[0].condition.expression = "true"
    return made


def test_a_resource_without_a_policy_has_an_empty_one_with_the_services_etag(policies):
    assert policies.of(TOPIC) == Policy(etag=NO_POLICY_ETAG)


def test_a_policy_is_kept_under_a_new_etag(policies):
    kept = policies.replace(TOPIC, policy("user:a@b", etag=NO_POLICY_ETAG), audit=False)

    assert policies.of(TOPIC) == kept
    assert kept.version == 1
    assert kept.bindings == policy("user:a@b").bindings
    assert kept.etag not in (b"", NO_POLICY_ETAG)


def test_etags_never_come_back_when_policies_do(policies):
    etags = [
        policies.replace(TOPIC, policy(member), audit=False).etag
        for member in ("user:a@b", "user:c@d", "user:a@b", "user:a@b")
    ]

    assert len(set(etags)) == 4


def test_a_policy_read_before_the_last_change_is_refused(policies):
    policies.replace(TOPIC, policy("user:a@b"), audit=False)

    with pytest.raises(Aborted, match="read it again"):
        policies.replace(TOPIC, policy("user:c@d", etag=NO_POLICY_ETAG), audit=False)

    assert policies.of(TOPIC).bindings == policy("user:a@b").bindings


def test_without_an_etag_the_last_one_wins(policies):
    policies.replace(TOPIC, policy("user:a@b"), audit=False)

    assert policies.replace(TOPIC, policy("user:c@d"), audit=False).bindings[0].members == [
        "user:c@d"
    ]


def test_a_policy_is_on_disk_and_gone_with_its_resource(policies, store, journal):
    kept = policies.replace(TOPIC, policy("user:a@b"), audit=False)
    store.apply(journal.batch)
    assert Policies(Documents("iam_policy", store, journal)).of(TOPIC) == kept

    journal.batch = Batch()
    policies.forget(TOPIC)
    policies.forget(TOPIC)
    store.apply(journal.batch)

    assert policies.of(TOPIC).etag == NO_POLICY_ETAG
    assert Policies(Documents("iam_policy", store, journal)).of(TOPIC).etag == NO_POLICY_ETAG


def test_audit_configurations_change_only_when_asked(policies):
    audited = policy("user:a@b")
    audited.audit_configs.add(service="allServices")
    policies.replace(TOPIC, audited, audit=True)

    kept = policies.replace(TOPIC, policy("user:a@b"), audit=False)

    assert [config.service for config in kept.audit_configs] == ["allServices"]


@pytest.mark.parametrize("version", [-1, 2, 4])
def test_a_version_that_does_not_exist_is_refused(version):
    with pytest.raises(InvalidArgument, match="0, 1 or 3"):
        check_policy(policy("user:a@b", version=version))


@pytest.mark.parametrize("version", [0, 1])
def test_a_condition_needs_version_3(version):
    with pytest.raises(InvalidArgument, match="version must be 3"):
        check_policy(conditional(version))
    check_policy(conditional())


@pytest.mark.parametrize(
    "role", [PUBLISHER, "projects/p/roles/mine", "organizations/12/roles/mine", "roles/owner"]
)
def test_roles_of_every_kind_are_accepted(role):
    check_policy(policy("user:a@b", role=role))


@pytest.mark.parametrize(
    "role", ["", "pubsub.publisher", "roles/", "roles/a b", "folders/1/roles/x"]
)
def test_what_is_no_role_is_refused(role):
    with pytest.raises(InvalidArgument, match="role"):
        check_policy(policy("user:a@b", role=role))


@pytest.mark.parametrize(
    "member",
    [
        "allUsers",
        "allAuthenticatedUsers",
        "user:a@example.com",
        "group:a@example.com",
        "serviceAccount:a@p.iam.gserviceaccount.com",
        "serviceAccount:p.svc.id.goog[space/account]",
        "domain:example.com",
        "deleted:user:a@example.com?uid=123",
        "projectOwner:p",
        "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x",
        "principalSet://goog/group/a@example.com",
    ],
)
def test_members_of_every_kind_are_accepted(member):
    check_policy(policy(member))


@pytest.mark.parametrize(
    "member",
    ["", "a@example.com", "user:", "user:a", "users:a@b", "allusers", "domain:a@b", "user:a b@c"],
)
def test_what_is_no_member_is_refused(member):
    with pytest.raises(InvalidArgument, match="member"):
        check_policy(policy(member))


def test_a_policy_has_1500_members_at_most():
    most = [f"user:{number}@b" for number in range(MOST_MEMBERS)]
    check_policy(policy(*most))

    with pytest.raises(InvalidArgument, match="1501 members"):
        check_policy(policy(*most, "user:a@b"))


def test_bindings_of_one_role_become_one_and_empty_ones_go():
    parts = [policy("user:a@b", "user:c@d"), policy("user:a@b"), policy(role="roles/pubsub.viewer")]
    bindings = [binding for part in parts for binding in part.bindings]

    (whole,) = merged(bindings)

    assert (whole.role, list(whole.members)) == (PUBLISHER, ["user:a@b", "user:c@d"])


def test_bindings_under_different_conditions_stay_apart():
    assert len(merged([*policy("user:a@b").bindings, *conditional().bindings])) == 2


def test_callers_that_know_no_conditions_see_another_role():
    (shown,) = without_conditions(conditional()).bindings

    assert shown.role.startswith(f"{PUBLISHER}_withcond_")
    assert not shown.HasField("condition")


def test_a_conditional_policy_is_kept_as_version_3(policies):
    assert policies.replace(TOPIC, conditional(), audit=False).version == 3


def test_a_member_is_granted_what_its_role_includes(policies):
    policies.replace(TOPIC, policy("user:a@b"), audit=False)

    assert policies.grant(TOPIC, "pubsub.topics.publish", lambda member: member == "user:a@b")
    assert not policies.grant(TOPIC, "pubsub.topics.publish", lambda member: member == "user:c@d")
    assert not policies.grant(TOPIC, "pubsub.topics.delete", lambda _: True)


def test_a_binding_with_a_condition_grants_nothing(policies):
    policies.replace(TOPIC, conditional(), audit=False)

    assert not policies.grant(TOPIC, "pubsub.topics.publish", lambda _: True)


@pytest.mark.parametrize(
    ("role", "permission", "included"),
    [
        ("roles/pubsub.admin", "pubsub.topics.setIamPolicy", True),
        ("roles/pubsub.admin", "iam.serviceAccounts.getOpenIdToken", False),
        ("roles/pubsub.editor", "pubsub.topics.publish", True),
        ("roles/pubsub.editor", "pubsub.topics.setIamPolicy", False),
        ("roles/pubsub.viewer", "pubsub.topics.get", True),
        ("roles/pubsub.viewer", "pubsub.topics.publish", False),
        ("roles/pubsub.subscriber", "pubsub.subscriptions.consume", True),
        ("roles/pubsub.subscriber", "pubsub.topics.publish", False),
        ("roles/owner", "iam.serviceAccounts.getOpenIdToken", True),
        ("roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.getOpenIdToken", True),
        ("projects/p/roles/mine", "pubsub.topics.publish", False),
    ],
)
def test_predefined_roles_include_what_the_documentation_says(role, permission, included):
    assert grants(role, permission) is included


@pytest.mark.parametrize(
    ("permission", "collection", "testable"),
    [
        ("pubsub.topics.publish", "topics", True),
        ("pubsub.topics.publish", "subscriptions", False),
        ("pubsub.topics.create", "topics", False),
        ("storage.topics.publish", "topics", False),
        ("pubsub.schemas.validate", "schemas", True),
        ("pubsub.snapshots.seek", "snapshots", True),
    ],
)
def test_each_kind_of_resource_knows_its_permissions(permission, collection, testable):
    assert is_testable(permission, collection) is testable


@pytest.mark.parametrize(("name", "fields"), list(fields_of_stub(protos)))
def test_the_stub_names_only_fields_that_exist(name, fields):
    assert fields <= set(getattr(protos, name).DESCRIPTOR.fields_by_name)
