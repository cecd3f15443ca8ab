"""Hypothesis without its stopwatch: on a busy machine a slow example is no defect."""

from hypothesis import HealthCheck, settings

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
