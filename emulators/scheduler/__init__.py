"""A stand-in for Cloud Scheduler: calls HTTP targets on the minute, with an OIDC token."""
