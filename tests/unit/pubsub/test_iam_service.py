"""The IAMPolicy service: resources, masks, versions, and whose permissions are tested."""

from types import SimpleNamespace

import pytest

from emulators.pubsub.documents import Documents
from emulators.pubsub.errors import InvalidArgument, NotFound
from emulators.pubsub.iam import protos
from emulators.pubsub.iam.policies import NO_POLICY_ETAG, Policies
from emulators.pubsub.iam.service import IamPolicy
from emulators.pubsub.store import Batch

TOPIC = "projects/p/topics/letters"
PUBLISH, DELETE = "pubsub.topics.publish", "pubsub.topics.delete"


@pytest.fixture
def policies(store):
    return Policies(Documents("iam_policy", store, SimpleNamespace(batch=Batch())))


@pytest.fixture
def service_of(policies):
    async def commit():
        commit.count += 1

    commit.count = 0

    def service_of(*, enforced=False):
        exists = {TOPIC, "projects/p/schemas/letter"}.__contains__
        service = IamPolicy(policies, exists=exists, commit=commit, enforced=enforced)
        service.commits = commit
        return service

    return service_of


@pytest.fixture
def service(service_of):
    return service_of()


def calling(**metadata):
    pairs = tuple((key.replace("_", "-"), value) for key, value in metadata.items())
    return SimpleNamespace(invocation_metadata=lambda: pairs)


def setting(*members, resource=TOPIC, paths=(), **fields):
    request = protos.SetIamPolicyRequest(resource=resource, policy=protos.Policy(**fields))
    if members:
        request.policy.bindings.append(
            protos.Binding(role="roles/pubsub.publisher", members=members)
        )
    request.update_mask.paths.extend(paths)
    return request


def asking(*permissions, resource=TOPIC):
    return protos.TestIamPermissionsRequest(resource=resource, permissions=permissions)


async def test_a_policy_is_answered_once_it_is_durable(service):
    kept = await service.set_policy(setting("user:a@b"), None)

    assert service.commits.count == 1
    assert await service.get_policy(protos.GetIamPolicyRequest(resource=TOPIC), None) == kept


@pytest.mark.parametrize("resource", ["projects/p/topics/other", "projects/p/snapshots/other"])
async def test_a_resource_that_does_not_exist_is_not_found(service, resource):
    with pytest.raises(NotFound):
        await service.set_policy(setting("user:a@b", resource=resource), None)
    with pytest.raises(NotFound):
        await service.get_policy(protos.GetIamPolicyRequest(resource=resource), None)


@pytest.mark.parametrize("resource", ["", "letters", "projects/p", "projects/p/queues/q"])
async def test_a_name_of_another_form_is_refused(service, resource):
    with pytest.raises(InvalidArgument, match="resource"):
        await service.set_policy(setting("user:a@b", resource=resource), None)
    with pytest.raises(InvalidArgument, match="resource"):
        await service.get_policy(protos.GetIamPolicyRequest(resource=resource), None)
    with pytest.raises(InvalidArgument, match="resource"):
        await service.test_permissions(asking(PUBLISH, resource=resource), None)


async def test_a_mask_without_bindings_leaves_them(service):
    await service.set_policy(setting("user:a@b"), None)

    kept = await service.set_policy(setting("user:c@d", paths=["audit_configs"]), None)

    assert list(kept.bindings[0].members) == ["user:a@b"]


@pytest.mark.parametrize("path", ["name", "bindings.role", ""])
async def test_a_mask_of_something_else_is_refused(service, path):
    with pytest.raises(InvalidArgument, match=f"update_mask path '{path}'"):
        await service.set_policy(setting(paths=[path]), None)


async def test_a_refused_policy_changes_nothing(service, policies):
    with pytest.raises(InvalidArgument):
        await service.set_policy(setting("nobody"), None)

    assert policies.of(TOPIC).etag == NO_POLICY_ETAG


async def test_conditions_are_shown_to_those_who_ask_for_version_3(service):
    request = setting("user:a@b", version=3)
    request.policy.bindings[0].condition.expression = "true"
    await service.set_policy(request, None)
    reading = protos.GetIamPolicyRequest(resource=TOPIC)

    plain = await service.get_policy(reading, None)
    reading.options.requested_policy_version = 3
    whole = await service.get_policy(reading, None)

    assert (plain.version, plain.bindings[0].HasField("condition")) == (1, False)
    assert (whole.version, whole.bindings[0].HasField("condition")) == (3, True)


async def test_a_version_that_does_not_exist_cannot_be_asked_for(service):
    reading = protos.GetIamPolicyRequest(resource=TOPIC)
    reading.options.requested_policy_version = 2

    with pytest.raises(InvalidArgument, match="requested_policy_version"):
        await service.get_policy(reading, None)


async def test_without_enforcement_the_caller_has_all_permissions_of_the_kind(service):
    request = asking(PUBLISH, "pubsub.subscriptions.consume", "pubsub.topics.nonsense", DELETE)

    assert list((await service.test_permissions(request, None)).permissions) == [PUBLISH, DELETE]


async def test_on_a_resource_that_does_not_exist_there_are_no_permissions(service):
    request = asking(PUBLISH, resource="projects/p/topics/other")

    assert not (await service.test_permissions(request, None)).permissions


@pytest.mark.parametrize("permission", ["*", "pubsub.*", "pubsub.topics.*", "", "publish"])
async def test_what_is_no_permission_is_refused(service, permission):
    with pytest.raises(InvalidArgument, match="permission"):
        await service.test_permissions(asking(PUBLISH, permission), None)


@pytest.mark.parametrize(
    ("member", "metadata", "held"),
    [
        ("user:a@b", {"x_emulator_principal": "user:a@b"}, [PUBLISH]),
        ("user:A@b", {"X_Emulator_Principal": "user:a@B"}, [PUBLISH]),
        ("user:a@b", {"x_emulator_principal": "user:c@d"}, []),
        ("user:a@b", {}, []),
        ("allUsers", {}, [PUBLISH]),
        ("allAuthenticatedUsers", {}, []),
        ("allAuthenticatedUsers", {"x_emulator_principal": "user:c@d"}, [PUBLISH]),
    ],
)
async def test_with_enforcement_the_caller_has_what_the_policy_says(
    service_of, member, metadata, held
):
    service = service_of(enforced=True)
    await service.set_policy(setting(member), None)

    answer = await service.test_permissions(asking(PUBLISH, DELETE), calling(**metadata))

    assert list(answer.permissions) == held
