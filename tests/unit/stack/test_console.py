import io
import json

from emulators.stack.console import Console


def console(**how):
    stream = io.StringIO()
    return Console(
        stream, as_json=how.get("as_json", False), verbose=how.get("verbose", False)
    ), stream


def entry(severity: str, message: str) -> str:
    return json.dumps({"severity": severity, "message": message})


def test_logs_wait_until_the_run_is_ready_but_warnings_do_not():
    screen, stream = console()

    screen.log("noop", entry("INFO", "started"))
    screen.log("noop", entry("ERROR", "broken"))
    assert "broken" in stream.getvalue()
    assert "started" not in stream.getvalue()

    screen.release()
    assert "started" in stream.getvalue()


def test_debug_lines_are_shown_only_when_verbose():
    quiet, quiet_stream = console()
    loud, loud_stream = console(verbose=True)

    for screen in (quiet, loud):
        screen.log("redis", entry("DEBUG", "detail"))
        screen.release()

    assert "detail" not in quiet_stream.getvalue()
    assert "detail" in loud_stream.getvalue()


def test_a_traceback_is_shown_only_when_verbose():
    line = json.dumps({"severity": "CRITICAL", "message": "CT201", "traceback": "Traceback"})
    quiet, quiet_stream = console()
    loud, loud_stream = console(verbose=True)

    quiet.log("noop", line)
    loud.log("noop", line)

    assert "Traceback" not in quiet_stream.getvalue()
    assert "Traceback" in loud_stream.getvalue()


def test_every_line_of_the_json_form_is_a_document():
    screen, stream = console(as_json=True)

    screen.say("\nStarting.")
    screen.ok("postgres", "127.0.0.1:15432", "0.1 s")
    screen.bad("noop", "http://127.0.0.1:8101", "see above")
    screen.warn("noop ended")
    screen.log("postgres", "WARNING:  text")

    documents = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert documents[1]["message"] == "postgres is ready: 127.0.0.1:15432 0.1 s"
    assert [document["severity"] for document in documents] == [
        "INFO", "INFO", "ERROR", "WARNING", "WARNING",
    ]  # fmt: skip


def test_parts_are_aligned_and_uncoloured_without_a_terminal():
    screen, stream = console()

    screen.ok("redis", "127.0.0.1:16379", "0.1 s")

    assert (
        stream.getvalue() == "  ok  redis             127.0.0.1:16379                       0.1 s\n"
    )
