"""All topics and subscriptions, and what happens between them. Knows neither gRPC nor HTTP."""

from collections.abc import Callable, Sequence

from emulators.pubsub import protos
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.dead_letters import dead_letter_of
from emulators.pubsub.engine import Engine
from emulators.pubsub.errors import AlreadyExists, NotFound, Unavailable
from emulators.pubsub.journal import Journal
from emulators.pubsub.logs import log
from emulators.pubsub.names import DELETED_TOPIC
from emulators.pubsub.resources import policy_of
from emulators.pubsub.store import Batch, Store
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic
