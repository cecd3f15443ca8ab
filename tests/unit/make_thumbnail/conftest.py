"""The stage of the edge tests, for the delivery to this type's function."""

from tests.unit.edges.conftest import _own_process, open_stage, stage

__all__ = ["_own_process", "open_stage", "stage"]
