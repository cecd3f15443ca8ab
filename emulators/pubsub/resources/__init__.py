"""Topics and subscriptions as the API describes them: limits, defaults, update masks.

Pure: a resource in, the same completed or an error out. What a setting does is known elsewhere.
"""

from emulators.pubsub.resources.policies import acked_retention_ns, filter_of, policy_of
from emulators.pubsub.resources.subscriptions import complete_subscription, updated_subscription
from emulators.pubsub.resources.topics import complete_topic, updated_topic

__all__ = [
    "acked_retention_ns",
    "complete_subscription",
    "complete_topic",
    "filter_of",
    "policy_of",
    "updated_subscription",
    "updated_topic",
]
