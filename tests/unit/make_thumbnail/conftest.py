"""The stage of the edge tests, for the delivery to this type's function."""

from tests.unit.edges.conftest import _own_signals_and_logging, open_stage, stage

__all__ = ["_own_signals_and_logging", "open_stage", "stage"]
