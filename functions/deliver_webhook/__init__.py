"""The task type `deliver_webhook`: one signed POST to somebody else's server."""
