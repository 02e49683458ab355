"""The engines that the conformance suite runs on; that of Julia is skipped where Julia is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from balmer.engines import Engine
from balmer.engines.embedded import EmbeddedEngine


def _julia(threads: int) -> Engine:
    from balmer.engines.julia import JuliaEngine

    return JuliaEngine(threads=threads)


# Name of the engine, and how to make one with that many threads.
ENGINES: dict[str, Callable[[int], Engine]] = {
    "embedded": lambda threads: EmbeddedEngine(threads=threads),
    "julia": _julia,
}


@pytest.fixture(params=["embedded", pytest.param("julia", marks=pytest.mark.julia)])
def make_engine(request: pytest.FixtureRequest) -> Callable[[int], Engine]:
    return ENGINES[request.param]


@pytest.fixture
def engine(make_engine: Callable[[int], Engine]) -> Engine:
    return make_engine(2)
