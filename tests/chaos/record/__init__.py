"""The task type `record`: writes down each of its runs. Copied into a checkout for chaos alone."""
