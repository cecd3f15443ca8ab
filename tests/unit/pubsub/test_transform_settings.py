"""Which transforms a topic or a subscription may have; the code is compiled when they are set."""

import asyncio

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument, Unimplemented
from emulators.pubsub.transforms.runner import TransformRunner
from emulators.pubsub.transforms.settings import check_transforms, enabled

GOOD = "function f(message, metadata) { return message; }"


def udf(code=GOOD, name="f", **fields):
    function = protos.JavaScriptUDF(function_name=name, code=code)
    return protos.MessageTransform(javascript_udf=function, **fields)


def compression(algorithm, mode):
    return protos.MessageTransform(
        compression=protos.Compression(compression_algorithm=algorithm, compression_mode=mode)
    )


def ai_inference():
    transform = protos.MessageTransform()
    transform.ai_inference.endpoint = "projects/p/locations/l/endpoints/e"
    return transform


def test_transforms_within_the_limits_are_fine():
    largest = udf(GOOD + " " * (20 * 1024 - len(GOOD)), name="$_9")
    check_transforms([udf(), largest, compression(1, 1), compression(1, 2), udf(name="g")])


@pytest.mark.parametrize(
    "transforms",
    [
        [udf(name=f"f{number}") for number in range(6)],
        [udf(GOOD + " " * (20 * 1024 - len(GOOD) + 1))],
        [udf("")],
        [udf(name="")],
        [udf(name="f()")],
        [udf(), udf()],
        [protos.MessageTransform()],
        [compression(0, 1)],
        [compression(1, 0)],
        [udf("", disabled=True)],
    ],
    ids=[
        "six",
        "long",
        "empty",
        "no name",
        "name",
        "twice",
        "none",
        "algorithm",
        "mode",
        "disabled",
    ],
)
def test_others_are_refused(transforms):
    with pytest.raises(InvalidArgument):
        check_transforms(transforms)


@pytest.mark.parametrize("transform", [ai_inference(), compression(3, 1)])
def test_what_is_not_run_here_is_unimplemented_and_not_passed_over(transform):
    with pytest.raises(Unimplemented, match="is not run by this emulator"):
        check_transforms([transform])


def test_a_disabled_transform_is_not_applied_and_the_deprecated_field_says_nothing():
    on, off = udf(), udf(disabled=True)
    on.enabled, off.enabled = False, True

    assert enabled([on, off]) == [on]


@pytest.fixture
def runner():
    pytest.importorskip("py_mini_racer", reason="JavaScript transforms need mini-racer")
    runner = TransformRunner()
    yield runner
    runner.close()


def message(data):
    return protos.PubsubMessage(data=data)


@pytest.mark.parametrize("code", ["function f(", "function g() {}", "throw 'no'"])
async def test_code_that_cannot_be_used_is_refused(runner, code):
    with pytest.raises(InvalidArgument, match="'f' cannot be used"):
        await runner.check([udf(code)])


async def test_what_was_checked_is_run(runner):
    transforms = [udf("const f = (m) => ({data: m.data.toUpperCase()})"), udf("", disabled=True)]
    await runner.check(transforms[:1])
    outcomes = await runner.run(transforms, [message(b"a"), message(b"b")])

    assert [outcome.data for outcome in outcomes] == [b"A", b"B"]


async def test_the_event_loop_goes_on_while_a_script_runs(runner):
    busy = "function f(m) { const end = Date.now() + 300; while (Date.now() < end); return m; }"
    running = asyncio.ensure_future(runner.run([udf(busy)], [message(b"a")]))
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 1000


async def test_the_scripts_used_last_are_kept(runner):
    counting = "let n = 0; function f() { return {data: String(++n)}; }"
    counts = []
    for number in range(runner.KEPT + 2):
        outcomes = await runner.run([udf(counting)], [message(b"a")])
        counts.append(outcomes[0].data)
        await runner.run([udf(f"/* {number} */ {GOOD}")], [message(b"a")])
    for number in range(runner.KEPT):
        await runner.run([udf(f"/* again {number} */ {GOOD}")], [message(b"a")])
    forgotten = await runner.run([udf(counting)], [message(b"a")])

    assert counts[-1] == str(runner.KEPT + 2).encode()
    assert forgotten[0].data == b"1"
