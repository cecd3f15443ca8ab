import pytest

from emulators.stack.errors import StackError
from emulators.stack.task_types import TaskType, function_names, merged, read_task_types


@pytest.fixture
def checkout(tmp_path):
    for name in ("enqueue", "noop", "send_email"):
        (tmp_path / "functions" / name).mkdir(parents=True)
        (tmp_path / "functions" / name / "main.py").touch()
    (tmp_path / "functions" / "__pycache__").mkdir()
    (tmp_path / "functions" / "noop" / "task.yaml").write_text("max_attempts: 6\n")
    (tmp_path / "functions" / "send_email" / "task.yaml").touch()
    return tmp_path


def test_every_folder_with_a_main_is_a_function(checkout):
    assert function_names(checkout) == ["enqueue", "noop", "send_email"]


def test_every_function_folder_with_a_task_yaml_is_a_task_type(checkout):
    types = read_task_types(checkout, None)

    assert [(each.name, each.max_attempts) for each in types] == [("noop", 6), ("send_email", 5)]


def test_the_defaults_are_those_of_the_design():
    assert TaskType.from_settings("send_email", {}) == TaskType(
        name="send_email",
        ack_deadline_seconds=90,
        max_attempts=5,
        retry_min_seconds=10,
        retry_max_seconds=600,
        ordering=False,
    )


@pytest.mark.parametrize(("limit", "deadline"), [(1, 31), (570, 600), (3600, 600)])
def test_the_ack_deadline_follows_the_time_limit_up_to_what_pubsub_allows(limit, deadline):
    task_type = TaskType.from_settings("noop", {"time_limit_seconds": limit})

    assert task_type.ack_deadline_seconds == deadline


def test_underscores_become_hyphens_in_cloud_names():
    assert TaskType.from_settings("make_big_thumbnail", {}).cloud_name == "make-big-thumbnail"


def test_overrides_are_merged_deep(checkout):
    overrides = checkout / "short.yaml"
    overrides.write_text("noop: {retry: {min_seconds: 0}}\n")
    (checkout / "functions" / "noop" / "task.yaml").write_text("retry: {max_seconds: 3}\n")

    noop, _ = read_task_types(checkout, overrides)

    assert (noop.retry_min_seconds, noop.retry_max_seconds) == (0, 3)


def test_merging_replaces_what_is_no_mapping_and_leaves_its_arguments_alone():
    base = {"a": {"x": 1, "y": 2}, "b": [1, 2]}

    assert merged(base, {"a": {"x": 3}, "b": [9]}) == {"a": {"x": 3, "y": 2}, "b": [9]}
    assert base == {"a": {"x": 1, "y": 2}, "b": [1, 2]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("- a\n- list\n", "it holds a list"),
        ("a: [", "it is no YAML"),
        ("retry: 5\n", "a value has the wrong type"),
        ("time_limit_seconds: soon\n", "a value has the wrong type"),
    ],
)
def test_an_unusable_task_yaml_is_named_with_the_reason(checkout, content, why):
    path = checkout / "functions" / "noop" / "task.yaml"
    path.write_text(content)

    with pytest.raises(StackError, match="CT110") as caught:
        read_task_types(checkout, None)

    assert f"{path} cannot be used: {why}" in str(caught.value)


def test_overrides_of_an_unknown_task_type_are_refused(checkout):
    overrides = checkout / "short.yaml"
    overrides.write_text("nop: {}\n")

    with pytest.raises(StackError, match="there is no task type 'nop'"):
        read_task_types(checkout, overrides)


def test_a_folder_whose_name_is_no_task_type_name_is_refused(checkout):
    folder = checkout / "functions" / "Bad-Name"
    folder.mkdir()
    (folder / "task.yaml").touch()

    with pytest.raises(StackError, match="'Bad-Name' is no task type name"):
        read_task_types(checkout, None)
