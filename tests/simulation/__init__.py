"""The task path under a seeded storm of faults, in virtual time: every seed replays exactly."""
