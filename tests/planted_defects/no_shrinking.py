"""A pytest plugin: Hypothesis fails at the first example found, which is all that is asked here."""

from hypothesis import Phase, settings

settings.register_profile("no-shrinking", phases=(Phase.explicit, Phase.generate))
settings.load_profile("no-shrinking")
