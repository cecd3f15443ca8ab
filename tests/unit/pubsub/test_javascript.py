"""One JavaScript function in V8: its results, its errors, its limits."""

import sys
import threading
import time

import pytest

from emulators.pubsub.errors import FailedPrecondition
from emulators.pubsub.transforms.javascript import Result, Script, ScriptError

pytest.importorskip("py_mini_racer", reason="JavaScript transforms need mini-racer")


@pytest.fixture
def script():
    """Make scripts that are closed at the end."""
    made = []

    def script(code, function="f", **limits):
        made.append(Script(code, function, **limits))
        return made[-1]

    yield script
    for one in made:
        one.close()


def test_each_call_has_its_own_result(script):
    double = script("function f(a, b) { return {sum: a + b, list: [a]}; }")

    assert double.call([[1, 2], ["a", "b"]]) == [
        Result({"sum": 3, "list": [1]}),
        Result({"sum": "ab", "list": ["a"]}),
    ]


@pytest.mark.parametrize("value", ["", '\u2028 \U0001f600 " \\ \0', None, {"a": {"b": []}}, 1.5])
def test_values_come_back_as_they_went(script, value):
    assert script("const f = (value) => value;").call([[value]]) == [Result(value)]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("throw new Error('no good')", "Error: no good"),
        ("throw 'text'", "text"),
        ("throw null", "null"),
        ("return missing", "ReferenceError: missing is not defined"),
        ("", "returned undefined"),
        ("return 10n", "TypeError: .*BigInt"),
        ("const o = {}; o.o = o; return o", "TypeError: .*circular"),
        ("return f()", "RangeError: Maximum call stack size exceeded"),
    ],
)
def test_what_a_function_does_wrong_is_its_own_result(script, body, error):
    wrong = script(f"function f(value) {{ if (value) return value; {body} }}")
    good, bad, good_again = wrong.call([["good"], [0], ["good"]])

    assert (good.value, good_again.value) == ("good", "good")
    assert bad.value is None
    assert bad.error
    with pytest.raises(AssertionError, match=error):
        raise AssertionError(bad.error)


@pytest.mark.parametrize(
    "code", ["function f(", "function g() {}", "var f = 3", "throw 'x'", "f()"]
)
def test_code_without_the_function_cannot_be_used(code):
    with pytest.raises(ScriptError):
        Script(code, "f")


ENDLESS = [
    "while (true) {}",
    "for (;;) { try { for (;;) {} } finally { continue } }",
    "/(a+)+$/.test('a'.repeat(100) + 'b')",
    "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "const all = []; for (;;) all.push(new Array(10000).fill(all.length))",
]


@pytest.mark.parametrize("body", ENDLESS)
def test_a_call_without_end_is_ended_and_costs_no_other(script, body):
    endless = script(f"function f(value) {{ if (value) return value; {body} }}")
    started = time.monotonic()
    results = endless.call([["good"], [0], ["good"]])

    assert [result.value for result in results] == ["good", None, "good"]
    assert "it took more than" in (results[1].error or "")
    assert time.monotonic() - started < 10


def test_once_it_is_ended_no_further_call_is_begun(script):
    endless = script("function f() { for (;;); }", limit_seconds=0.2)
    threading.Timer(0.1, setattr, (endless, "ended", True)).start()
    started = time.monotonic()
    results = endless.call([[]] * 1000)

    assert len(results) == 1000
    assert all(result.error for result in results)
    assert time.monotonic() - started < 5


def test_code_that_does_not_end_cannot_be_used():
    with pytest.raises(ScriptError, match=r"more than 0\.1 s"):
        Script("for (;;) {}; function f() {}", "f", limit_seconds=0.1)


def test_many_calls_may_take_longer_than_one(script):
    busy = script(
        "function f(n) { const end = Date.now() + 20; while (Date.now() < end); return n; }",
        limit_seconds=0.8,
    )

    assert [result.value for result in busy.call([[n] for n in range(60)])] == list(range(60))


@pytest.mark.parametrize("name", ["setTimeout", "require", "fetch", "process", "importScripts"])
def test_a_function_has_the_language_and_nothing_else(script, name):
    assert script(f"const f = () => typeof {name};").call([[]]) == [Result("undefined")]


@pytest.mark.parametrize(
    "code",
    [
        "Array.prototype.map = () => 5; function f() { return 1; }",
        "Array.prototype.map = () => []; function f() { return 1; }",
        "function f() { throw Object.create(null); }",
        "function f() { throw {toString() { throw 1; }}; }",
        "function f() { Object.prototype.toJSON = () => 'x'; return {}; }",
    ],
)
def test_code_that_breaks_what_it_is_built_on_gives_errors_or_values(script, code):
    results = script(code).call([[1], [2]])

    assert len(results) == 2
    assert all((result.error is None) != (result.value is None) for result in results)


def test_code_may_end_in_a_comment_or_a_value_of_any_kind(script):
    for end in ("// the end", "/* the end */", "f", "Symbol()", "10n", "new Proxy({}, {})"):
        assert script(f"function f() {{ return 1; }}; {end}").call([[]]) == [Result(1)]


def test_a_script_that_was_closed_begins_anew(script):
    counting = script("let n = 0; function f() { return ++n; }")
    assert counting.call([[], []]) == [Result(1), Result(2)]
    counting.close()

    assert counting.call([[]]) == [Result(1)]


def test_without_mini_racer_the_error_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)

    with pytest.raises(FailedPrecondition, match=r"pip install 'cloudtasker\[transforms\]'"):
        Script("function f() {}", "f")
