"""Why something could not be deployed to this machine; each text says what to do."""


class DeployError(Exception):
    """A failure that the user can act on; `str()` is the whole text to print."""
