"""What several test suites share: product parts on in-memory ports, and real servers."""
