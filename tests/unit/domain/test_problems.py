"""What a caller is told of a wrong field."""

import pytest
from pydantic import BaseModel, ValidationError, field_validator

from shared.domain.task_type import problems_of


class Trip(BaseModel):
    to: str = "home"
    more: dict[str, int] = {}

    @field_validator("to")
    @classmethod
    def _is_known(cls, to: str) -> str:
        if to == "nowhere":
            raise ValueError("it must be a place")
        return to


@pytest.mark.parametrize(
    ("said", "field", "problem"),
    [
        ({"to": "nowhere"}, "trip.to", "it must be a place"),
        ({"more": []}, "trip.more", "Input should be an object"),
        ([], "trip", "Input should be an object"),
    ],
)
def test_a_problem_is_told_without_words_of_the_library_or_names_of_classes(said, field, problem):
    with pytest.raises(ValidationError) as refused:
        Trip.model_validate(said)

    [found] = problems_of(refused.value, "trip")
    assert (found.field, found.problem) == (field, problem)
