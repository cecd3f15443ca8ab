"""Where a deployment's ports begin."""

from emulators.cloud.held_ports import FIRST_PORTS
from emulators.stack import layout

MOST_PROCESSES = 40


def test_no_deployment_holds_a_port_that_functions_of_local_stacks_take():
    """A deployment's ports never move; while it does not run a local stack could take them."""
    of_stacks = range(layout.FUNCTIONS_FROM, layout.PROCESSES_FROM + MOST_PROCESSES)

    assert {*FIRST_PORTS} & {*of_stacks} == set()
    assert len(FIRST_PORTS) > 5
