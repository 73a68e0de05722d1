"""How far the model is explored: the same examples in every run, or `--hypothesis-profile=explore` for many others."""

from hypothesis import HealthCheck, settings

from ..server.conftest import database_url, log, one_database_url

__all__ = ("database_url", "log", "one_database_url")

settings.register_profile(
    "bounded",
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", settings.get_profile("bounded"), max_examples=500, derandomize=False)
