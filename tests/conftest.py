"""Settings of the whole suite."""

from hypothesis import HealthCheck, settings

# Compilation and a busy machine make single examples slow; a test says what is true, never how fast. The examples
# are the same in every run, so that a green main stays green.
settings.register_profile(
    "balmer",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("balmer")
