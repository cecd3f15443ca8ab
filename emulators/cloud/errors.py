"""Why a deployment could not be made, changed or removed; each text ends with what to do."""


class DeployError(Exception):
    """A command that could not be done."""
