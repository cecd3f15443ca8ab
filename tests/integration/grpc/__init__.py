"""The gateway as a server: a real channel, the services on in-memory ports."""
