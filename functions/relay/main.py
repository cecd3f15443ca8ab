"""Entry point: a call of the scheduler in; a minute's worth of bringing back what is due."""

from functions.relay.endpoint import RelayEndpoint
from shared.bootstrap import relay as open_relay
from shared.edges.guarded_function import guarded_function

relay = guarded_function("relay", lambda: RelayEndpoint(open_relay()))
