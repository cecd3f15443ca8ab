"""The list of planted defects fits the code; `python -m tests.planted_defects` plants them."""

from collections import Counter

import pytest

from tests.planted_defects.defects import DEFECTS
from tests.planted_defects.planting import CODE, ROOT, find, planted


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.rule)
def test_a_defect_applies_in_one_place_and_names_tests_that_exist(defect):
    assert find(defect) == 1
    assert defect.old != defect.new
    assert all((ROOT / test).is_file() for test in defect.tests)
    compile((ROOT / CODE / defect.file).read_text().replace(defect.old, defect.new), "", "exec")


def test_every_rule_is_named_once():
    assert max(Counter(defect.rule for defect in DEFECTS).values()) == 1


def test_a_planted_defect_is_taken_out_again(tmp_path):
    defect = DEFECTS[0]
    copy = tmp_path / CODE / defect.file
    copy.parent.mkdir(parents=True)
    sound = (ROOT / CODE / defect.file).read_text()
    copy.write_text(sound)

    with planted(defect, tmp_path):
        assert copy.read_text() == sound.replace(defect.old, defect.new)

    assert copy.read_text() == sound
    copy.write_text("")
    with pytest.raises(ValueError, match="0 times"), planted(defect, tmp_path):
        pass
