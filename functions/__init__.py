"""One folder for each deployed function; a task type's folder is its task type."""
