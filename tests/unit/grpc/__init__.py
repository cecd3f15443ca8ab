"""The gateway's translation, without a server."""
