"""The engines that the conformance suite runs on: every one that is present."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from balmer.engines import Engine
from balmer.engines.embedded import EmbeddedEngine

# Name of the engine, and how to make one with that many threads.
ENGINES: dict[str, Callable[[int], Engine]] = {"embedded": lambda threads: EmbeddedEngine(threads=threads)}


@pytest.fixture(params=ENGINES)
def make_engine(request: pytest.FixtureRequest) -> Callable[[int], Engine]:
    return ENGINES[request.param]


@pytest.fixture
def engine(make_engine: Callable[[int], Engine]) -> Engine:
    return make_engine(2)
