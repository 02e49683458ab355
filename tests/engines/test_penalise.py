"""units = 'penalise': formulas with wrong units compete at a price; an engine that does not know it says so."""

from __future__ import annotations

import numpy as np
import pytest

from balmer import Dataset, Problem
from balmer.engines import Budget, Objective
from balmer.engines.embedded import EmbeddedEngine
from balmer.errors import ConfigError, UnitError
from balmer.expressions import check_dimensions


def problem(penalty):
    rng = np.random.default_rng(1)
    m, v = rng.uniform(1, 5, (2, 40))
    data = Dataset.from_arrays({"m": m, "v": v}, 0.5 * m * v**2 + m, target="E",
                               units={"m": "kg", "v": "m/s", "E": "J"})  # fmt: skip
    return Problem(data, objective=Objective(units="penalise", unit_penalty=penalty))


@pytest.mark.julia
def test_the_price_decides_whether_wrong_units_are_worth_it():
    from balmer.engines.julia import JuliaEngine

    def wrong(penalty):
        asked = problem(penalty)
        found = JuliaEngine().evolve(asked, Budget(evaluations=20_000), seed=1)
        assert found.front
        *features, target = asked.dimensions
        # Without a constant nothing right may be as short; with one there is the best constant, which always holds.
        fitted = (c.expression for c in found.archive if c.expression.n_constants > 0)
        return sum(not check_dimensions(e, features, target) for e in fitted)

    assert wrong(1e-9) > 0
    assert wrong(1e3) == 0  # worse than the best constant, whatever they explain


def test_the_embedded_engine_refuses_it_by_name():
    with pytest.raises(ConfigError, match="'penalise' is not known to the embedded engine"):
        EmbeddedEngine().evolve(problem(1.0), Budget(evaluations=100), seed=1)


def test_it_needs_all_units():
    data = Dataset.from_arrays({"m": np.arange(1.0, 9.0)}, np.arange(2.0, 10.0))
    with pytest.raises(UnitError, match="units = 'penalise' needs one for every column"):
        Problem(data, objective=Objective(units="penalise"))
