"""What a topic does to messages before they are stored, and which resources may be."""

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument, NotFound
from emulators.pubsub.intake import Intake, concerns, filtered_id
from emulators.pubsub.transforms.chain import Failed

SETTINGS = protos.SchemaSettings(schema="projects/p/schemas/s", encoding=1)


class SchemaCheck:
    """Knows no schema, and lets every message but `bad` through."""

    def __init__(self):
        self.checked = []

    def check_settings(self, settings):
        raise NotFound(settings.schema)

    async def check(self, settings, messages):
        self.checked.append({number: one.data for number, one in messages.items()})


class Transforms:
    """Takes no new transform; applies a function of Python."""

    def __init__(self, function):
        self._function = function

    async def check(self, transforms):
        raise InvalidArgument("not one more")

    async def run(self, transforms, messages):
        return [self._function(message) for message in messages]


def intake(function=lambda message: message):
    schemas = SchemaCheck()
    return Intake(schemas, Transforms(function)), schemas


def topic(*, schema=True, transforms=1):
    made = protos.Topic(name="projects/p/topics/t")
    if schema:
        made.schema_settings.CopyFrom(SETTINGS)
    for number in range(transforms):
        made.message_transforms.add().javascript_udf.function_name = f"f{number}"
    return made


def messages(*bodies):
    return [protos.PubsubMessage(data=body) for body in bodies]


def filtering(message):
    if message.data == b"no":
        return None
    message.data += b"!"
    return message


async def test_the_schema_sees_what_transforms_leave_under_its_number():
    taking, schemas = intake(filtering)
    admitted = await taking.admit(topic(), messages(b"no", b"a", b"no", b"b"))

    assert [one and one.data for one in admitted] == [None, b"a!", None, b"b!"]
    assert schemas.checked == [{1: b"a!", 3: b"b!"}]


async def test_without_a_schema_nothing_is_checked():
    taking, schemas = intake(filtering)
    await taking.admit(topic(schema=False), messages(b"a"))

    assert schemas.checked == []


async def test_disabled_transforms_change_nothing():
    taking, _ = intake(filtering)
    disabled = topic(schema=False)
    disabled.message_transforms[0].disabled = True

    assert await taking.admit(disabled, messages(b"no")) == messages(b"no")


@pytest.mark.parametrize(
    ("outcome", "why"),
    [(Failed("broken"), "broken"), (protos.PubsubMessage(), "data is empty"),
     (protos.PubsubMessage(data=b"x" * 10_000_001), "the limit is")],
)  # fmt: skip
async def test_a_message_that_transforms_spoil_fails_them_all(outcome, why):
    taking, schemas = intake(lambda message: outcome if message.data == b"bad" else message)

    with pytest.raises(InvalidArgument, match=f"message 1, transformed: .*{why}"):
        await taking.admit(topic(), messages(b"good", b"bad"))
    assert schemas.checked == []


async def test_new_settings_and_transforms_are_checked():
    taking, _ = intake()

    with pytest.raises(NotFound):
        await taking.topic(topic(), None)
    with pytest.raises(NotFound):
        await taking.topic(topic(transforms=0), topic(schema=False, transforms=0))
    with pytest.raises(InvalidArgument):
        await taking.topic(topic(transforms=2), topic(transforms=1))
    subscription = protos.Subscription()
    subscription.message_transforms.add()
    with pytest.raises(InvalidArgument):
        await taking.subscription(subscription, None)


async def test_what_does_not_change_is_not_checked_again():
    taking, _ = intake()
    await taking.topic(topic(), topic())
    await taking.topic(topic(schema=False, transforms=0), topic())
    await taking.subscription(protos.Subscription(), None)


def test_a_topic_without_both_needs_nothing_done():
    assert not concerns(topic(schema=False, transforms=0))
    assert concerns(topic(transforms=0))
    assert concerns(topic(schema=False))


def test_ids_of_messages_that_are_not_stored_differ_from_each_other():
    ids = {filtered_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(one.isdigit() for one in ids)
