"""`new-task`: which names it takes, and that it never overwrites anything."""

import pytest

WRITTEN = {
    "functions/resize_image/__init__.py",
    "functions/resize_image/handler.py",
    "functions/resize_image/main.py",
    "functions/resize_image/payload.py",
    "functions/resize_image/task.yaml",
    "tests/unit/resize_image/__init__.py",
    "tests/unit/resize_image/test_resize_image.py",
}


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    (root / "functions").mkdir(parents=True)
    return root


def files_of(root) -> set[str]:
    return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}


def test_it_writes_the_folder_and_the_test_and_says_what_is_next(cloudtasker, checkout):
    outcome = cloudtasker("new-task", "resize_image", "--root", str(checkout))

    assert outcome.code == 0
    assert files_of(checkout) == WRITTEN == set(outcome.out.split())
    assert "pytest tests/unit/resize_image" in outcome.err
    assert "cloudtasker tasks enqueue resize_image --sample --wait" in outcome.err


def test_no_placeholder_is_left(cloudtasker, checkout):
    cloudtasker("new-task", "resize_image", "--root", str(checkout))

    for file in WRITTEN:
        assert "$" not in (checkout / file).read_text()
    assert (
        "class ResizeImage(Payload)" in (checkout / "functions/resize_image/payload.py").read_text()
    )


def test_json_names_what_was_written(cloudtasker, checkout):
    words = ["new-task", "resize_image", "--root", str(checkout), "-o", "json"]

    assert set(cloudtasker(*words).document["written"]) == WRITTEN


@pytest.mark.parametrize("name", ["a2c", "a" * 24, "resize_image_2"])
def test_good_names_are_taken(cloudtasker, checkout, name):
    assert cloudtasker("new-task", name, "--root", str(checkout)).code == 0


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 25,
        "2fast",
        "_private",
        "trailing_",
        "Resize",
        "resize-image",
        "resize image",
        "../escape",
        "naïve",
        "resize\n",
        "enqueue",
        "relay",
        "dead_letter",
        "class",
        "match",
        "print",
        "payload",
        "task_context",
        "email_dead",
        "",
    ],
)
def test_bad_and_reserved_names_are_refused_and_nothing_is_written(cloudtasker, checkout, name):
    outcome = cloudtasker("new-task", name, "--root", str(checkout))

    assert outcome.code == 2
    assert "Nothing was written." in outcome.err
    assert files_of(checkout.parent) == {"state.json"}


@pytest.mark.parametrize("folder", ["functions/resize_image", "tests/unit/resize_image"])
def test_what_is_there_is_never_touched(cloudtasker, checkout, folder):
    (checkout / folder).mkdir(parents=True)
    (checkout / folder / "handler.py").write_text("mine")

    outcome = cloudtasker("new-task", "resize_image", "--root", str(checkout))

    assert outcome.code == 4
    assert files_of(checkout) == {f"{folder}/handler.py"}


def test_a_folder_that_is_no_checkout_is_refused(cloudtasker, tmp_path):
    outcome = cloudtasker("new-task", "resize_image", "--root", str(tmp_path))

    assert outcome.code == 2
    assert outcome.err.startswith("CT310 ")
