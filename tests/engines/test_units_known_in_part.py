"""Where a column lacks its unit, what can be checked is checked, in the search as in what is shown; and it is named."""

from __future__ import annotations

import numpy as np
import pytest

from balmer.data import Dataset
from balmer.engines import Budget, Objective, Problem, SearchSpace
from balmer.errors import UnitError
from balmer.expressions import parse

RNG = np.random.default_rng(3)
COLUMNS = {name: RNG.uniform(1.0, 3.0, 40) for name in ("a", "t", "q")}
UNITS = {"a": "m", "t": "s", "q": "m", "y": "m/s"}


def problem(lacking=(), **objective):
    units = {name: unit for name, unit in UNITS.items() if name not in lacking}
    data = Dataset.from_arrays(COLUMNS, COLUMNS["a"] / COLUMNS["t"] * COLUMNS["q"], units=units)
    return Problem(data, SearchSpace(), Objective(**objective))


@pytest.mark.parametrize(
    ("lacking", "checked"),
    [
        ((), True),
        (("q",), True),
        (("y",), True),
        (("q", "y"), True),
        (("a", "t", "q"), False),
        (tuple("atqy"), False),
    ],
)
def test_units_are_checked_where_two_columns_have_one(lacking, checked):
    asked = problem(lacking)
    assert asked.check_units == checked
    assert (asked.dimensions is None) == bool(lacking)
    report = asked.dimension_report(parse("a + t", list(COLUMNS)))
    assert (report is not None and not report.holds) == (checked and not {"a", "t"} & set(lacking))
    assert not problem(lacking, units="ignore").check_units
    if lacking:
        with pytest.raises(
            UnitError, match=f"column '{next(n for n in (*'atq', 'y') if n in lacking)}' has no unit"
        ):
            problem(lacking, units="forbid")


def test_a_column_without_a_unit_is_named_where_that_counts():
    (notice,) = problem(["q"]).notices
    assert "column 'q' has no unit: units are checked as far as the others say" in notice
    assert "--units q=" in notice
    assert "--ignore-units" in notice
    for asked in (problem(), problem("atqy"), problem(["q"], units="ignore")):
        assert asked.notices == ()


def test_the_engine_finds_only_what_holds(engine):
    asked = problem(["q"])
    found = engine.evolve(asked, Budget(evaluations=4000), seed=1)
    assert found.archive
    assert all(asked.dimension_report(candidate.expression).holds for candidate in found.archive)
