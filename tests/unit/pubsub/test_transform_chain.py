"""Transforms applied to messages: what functions see, what their results do, compression."""

import zlib

import pytest

from emulators.pubsub import protos
from emulators.pubsub.transforms.chain import Failed, apply_transforms
from emulators.pubsub.transforms.javascript import Result, ScriptError

ZLIB, COMPRESS, DECOMPRESS = 1, 1, 2


def udf(name):
    return protos.MessageTransform(javascript_udf=protos.JavaScriptUDF(function_name=name))


def compression(mode):
    return protos.MessageTransform(
        compression=protos.Compression(compression_algorithm=ZLIB, compression_mode=mode)
    )


class PythonScript:
    """A function of Python in the place of one of JavaScript."""

    def __init__(self, function):
        self._function = function

    def call(self, calls):
        return [self._function(*arguments) for arguments in calls]


def apply(messages, *transforms, **functions):
    """Apply `transforms`, whose functions are given by name; return what becomes of messages."""

    def scripts(function):
        return PythonScript(functions[function.function_name])

    return apply_transforms(transforms, messages, scripts)


def message(data=b"data", **fields):
    return protos.PubsubMessage(data=data, **fields)


def test_a_function_gets_the_content_and_what_is_known_about_it():
    seen = []
    stored = message("ü".encode(), attributes={"a": "b"}, ordering_key="key")
    stored.message_id = "17"
    stored.publish_time.FromJsonString("2026-11-24T08:15:30.987Z")
    apply([stored], udf("f"), f=lambda *arguments: seen.append(arguments) or Result(None))

    assert seen == [
        (
            {"data": "ü", "attributes": {"a": "b"}},
            {"message_id": "17", "publish_time": "2026-11-24T08:15:30Z", "ordering_key": "key"},
        )
    ]


def test_what_is_not_known_yet_is_not_in_the_metadata():
    seen = []
    apply([message()], udf("f"), f=lambda _, metadata: seen.append(metadata) or Result(None))

    assert seen == [{}]


def test_a_result_takes_the_place_of_data_and_attributes_only():
    result = {"data": "new ü", "attributes": {"c": "d"}}
    stored = message(attributes={"a": "b"}, ordering_key="key")
    (changed,) = apply([stored], udf("f"), f=lambda *_: Result(result))

    assert changed.data.decode() == "new ü"
    assert dict(changed.attributes) == {"c": "d"}
    assert changed.ordering_key == "key"


@pytest.mark.parametrize(
    ("result", "attributes"),
    [({"data": "x"}, {"a": "b"}), ({"data": "x", "attributes": {}}, {})],
)
def test_attributes_that_a_result_leaves_out_stay_and_empty_ones_go(result, attributes):
    (changed,) = apply([message(attributes={"a": "b"})], udf("f"), f=lambda *_: Result(result))

    assert dict(changed.attributes) == attributes


def test_null_filters_a_message():
    functions = {"f": lambda content, _: Result(None if content["data"] == "no" else content)}
    outcomes = apply([message(b"no"), message(b"yes"), message(b"no")], udf("f"), **functions)

    assert [outcome and outcome.data for outcome in outcomes] == [None, b"yes", None]


@pytest.mark.parametrize(
    "result",
    [
        *("text", 3, [], {}, {"data": 3}, {"data": None}, {"attributes": {}}),
        {"data": "x", "attributes": {"a": 1}},
        {"data": "x", "attributes": [1]},
        {"data": "x", "attributes": None},
        {"data": "\ud800"},
        {"data": "x", "attributes": {"\ud800": ""}},
        {"data": "x", "attributes": {"a": "\udfff"}},
        {"data": "", "attributes": {}},
    ],
    ids=ascii,
)
def test_a_result_that_is_no_message_fails_this_message_only(result):
    functions = {"f": lambda content, _: Result(result if content["data"] == "bad" else content)}
    bad, good = apply([message(b"bad"), message(b"good")], udf("f"), **functions)

    assert isinstance(bad, Failed)
    assert str(bad).startswith("function f: ")
    assert good.data == b"good"


def test_an_error_of_a_function_fails_this_message_only():
    functions = {
        "f": lambda content, _: Result(content, "oh" if content["data"] == "bad" else None)
    }
    bad, good = apply([message(b"bad"), message(b"good")], udf("f"), **functions)

    assert str(bad) == "function f: oh"
    assert good.data == b"good"


def test_data_that_is_no_text_fails_and_is_not_given_to_the_function():
    functions = {"f": lambda content, _: Result(content)}
    bad, good = apply([message(b"\xff"), message(b"good")], udf("f"), **functions)

    assert "not UTF-8" in str(bad)
    assert good.data == b"good"


def test_a_script_that_cannot_be_used_fails_its_messages():
    def scripts(_):
        raise ScriptError("broken")

    (failed,) = apply_transforms([udf("f")], [message()], scripts)

    assert str(failed) == "function f: broken"


def test_each_transform_gets_what_the_one_before_gave():
    first = {"data": "from first", "attributes": {}}
    seen = []
    outcomes = apply(
        [message(b"a"), message(b"filtered"), message(b"\xff")],
        udf("first"),
        udf("second"),
        first=lambda content, _: Result(first if content["data"] == "a" else None),
        second=lambda content, _: seen.append(content) or Result({"data": "from second"}),
    )

    assert seen == [first]
    assert outcomes[0].data == b"from second"
    assert outcomes[1] is None
    assert isinstance(outcomes[2], Failed)


def test_data_is_compressed_and_decompressed():
    (compressed,) = apply([message(b"x" * 1000, attributes={"a": "b"})], compression(COMPRESS))
    assert zlib.decompress(compressed.data) == b"x" * 1000
    assert dict(compressed.attributes) == {"a": "b"}

    (whole,) = apply([compressed], compression(DECOMPRESS))
    assert whole.data == b"x" * 1000


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"plain", zlib.compress(b"x" * 1000)[:-1], zlib.compress(b"x") + b"y"),
        zlib.compress(b"\0" * 10_000_001),
    ],
    ids=["empty", "plain", "cut", "more behind", "too large"],
)
def test_what_is_not_one_whole_stream_of_a_messages_size_fails(data):
    (failed,) = apply([message(data)], compression(DECOMPRESS))

    assert isinstance(failed, Failed)
