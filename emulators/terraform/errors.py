"""Why Terraform could not be run offline; each text says what to do."""


class TerraformError(Exception):
    """A run that could not be made, or that failed; nothing outside its own copy was touched."""
