"""The embedded engine's way to fill a gap of a formula, and to fit a factor and a constant around it."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from balmer import Dataset, Expression, Problem
from balmer.engines import Budget, Objective, SearchSpace
from balmer.engines.embedded import EmbeddedEngine, island, repair, simplify
from balmer.engines.embedded.library import LIBRARY_ROWS, fill, new_library
from balmer.engines.embedded.rules import rules_for
from balmer.expressions import OPERATORS, parse
from balmer.kernels.program import pack
from strategies import expressions, rows

NAMES = ["x", "y", "z"]
RNG = np.random.default_rng(3)
X = RNG.uniform(1.0, 3.0, (3, 200))
SPACE = SearchSpace(operators="+ - * / square sqrt exp log sin cos", max_complexity=30)


@numba.njit
def _inverse(op, side, wanted, sibling, now):
    return repair._inverse(op, side, wanted, sibling, now)


@numba.njit
def _strip(f, rules):
    simplify.strip(f, rules)


@numba.njit
def _repair(sc, scale, library, table, rules, stream):
    return repair.repair(sc, scale, library, table, rules, stream)


def rules_of(problem):
    return rules_for(problem, tournament=3, crossover=0.3, repair=0.3, parsimony=1.0, fit_steps=8)


def workshop(law):
    """A problem with that law, and what a worker needs to repair formulas for it."""
    y = parse(law, NAMES).evaluate(X)
    data = Dataset.from_arrays(dict(zip(NAMES, X, strict=True)), y, target="target")
    problem = Problem(data, SPACE, Objective(units="ignore"))
    rules = rules_of(problem)
    table = pack(problem.columns, problem.y, problem.weights, 34)
    scratch = island.new_scratch(rules, LIBRARY_ROWS)
    library = new_library(LIBRARY_ROWS, rules.dimensions.shape[1])
    stream = np.array([1, 2, 3, 4], np.uint64)
    fill(library, scratch, stream, table, rules)
    return problem, rules, table, scratch, library, stream


def put(f, expression):
    n = len(expression)
    f.ops[:n], f.args[:n], f.values[:n], f.n[0] = expression.ops, expression.args, expression.values, n


def taken(f):
    n = int(f.n[0])
    return Expression(f.ops[:n], f.args[:n], f.values[:n])


@pytest.mark.parametrize("name", [n for n in OPERATORS if n not in ("min", "max")])
@given(
    operand=st.floats(-3.0, 3.0), other=st.floats(0.1, 3.0), side=st.integers(0, 1), off=st.floats(-0.1, 0.1)
)
@settings(max_examples=60)
def test_an_operator_gives_what_was_wanted_of_it(name, operand, other, side, off):
    op = OPERATORS[name]
    assume(op.arity == 2 or side == 0)

    def value(x):
        with np.errstate(all="ignore"):
            pair = (x, other) if side == 0 else (other, x)
            return float(op.numpy(*pair[: op.arity]))

    wanted = value(operand)
    assume(np.isfinite(wanted) and abs(operand) > 1e-2)
    if name == "pow" and side == 0:
        assume(operand > 0)
    # What the operand is now decides between several answers; it is near the right one here.
    found, slope = _inverse(op.code, side, wanted, other, operand + off * abs(operand))
    assume(np.isfinite(found) and np.isfinite(slope))
    step = 1e-6 * max(1.0, abs(found))
    difference = (value(found + step) - value(found - step)) / (2 * step)
    assume(np.isfinite(difference) and abs(difference) < 30.0)
    assert value(found) == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert abs(slope) == pytest.approx(abs(difference), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", [n for n in OPERATORS if n not in ("min", "max")])
def test_every_operator_but_min_and_max_has_an_inverse(name):
    op = OPERATORS[name]
    for side in range(op.arity):
        with np.errstate(all="ignore"):
            wanted = float(op.numpy(*(0.6, 0.7)[: op.arity]))
        assert np.isfinite(_inverse(op.code, side, wanted, 0.7 if side == 0 else 0.6, 0.6)).all()


@given(expressions(n_features=3, max_leaves=8), rows(3, n_rows=12))
@settings(max_examples=300)
def test_what_is_stripped_is_a_constant_and_a_factor(expression, points):
    rules = WORK[1]
    assume(len(expression) <= 34)
    f = WORK[3].child
    put(f, expression)
    _strip(f, rules)
    left = taken(f)
    assert len(left) <= len(expression)
    with np.errstate(all="ignore"):
        a, b = expression.evaluate(points), left.evaluate(points)
    fine = np.isfinite(a) & np.isfinite(b) & (abs(a) < 1e6) & (abs(b) < 1e6)
    assume(fine.sum() >= 4 and np.ptp(b[fine]) > 1e-3)
    design = np.column_stack([np.ones(fine.sum()), b[fine]])
    best = design @ np.linalg.lstsq(design, a[fine], rcond=None)[0]
    assert np.allclose(best, a[fine], rtol=1e-6, atol=1e-6 * (1 + abs(a[fine]).max()))


@pytest.mark.parametrize(
    ("law", "with_a_gap"),
    [
        ("x*exp(y/z)", "x*exp(z)"),
        ("1/sqrt(1 + x*y)", "1/sqrt(1 + z)"),
        ("log(x) + sin(y*z)", "log(x) + sin(y)"),
        ("2.5*(x - y)/(1 + z**2)", "(x - y)/z"),
    ],
)
def test_the_gap_of_a_formula_is_filled_with_what_is_missing(law, with_a_gap):
    problem, rules, table, scratch, library, stream = workshop(law)
    best = np.inf
    for _ in range(400):
        put(scratch.child, parse(with_a_gap, NAMES))
        if _repair(scratch, np.array([0.0, 1.0]), library, table, rules, stream):
            with np.errstate(all="ignore"):
                values = taken(scratch.child).evaluate(X)
            if np.isfinite(values).all():
                best = min(best, 1.0 - np.corrcoef(values, problem.y)[0, 1] ** 2)
    assert best < 1e-9


@pytest.mark.parametrize("law", ["x*y/z", "sqrt(x)*sin(y) + z", "x/(y + z)"])
def test_an_exact_law_is_shown_without_useless_parts(law):
    problem = workshop(law)[0]
    least = SPACE.complexity.of(parse(law, NAMES))
    short = []
    for seed in (1, 2, 3):  # any one may end at a longer spelling of the law, which `discover` shortens
        found = EmbeddedEngine(threads=1, islands=4).evolve(problem, Budget(evaluations=60_000), seed=seed)
        exact = [c for c in found.front if c.loss <= problem.noise_floor]
        assert exact
        short.append(exact[0].complexity <= least + 2)
    assert sum(short) >= 2


def test_noise_brings_more_rows_into_play():
    noisy = parse("x*y", NAMES).evaluate(X) + 0.1 * RNG.normal(size=200)
    problem = Problem(Dataset.from_arrays(dict(zip(NAMES, X, strict=True)), noisy, target="t"), SPACE)
    engine = EmbeddedEngine(threads=2, islands=4, sample=32)
    found = engine.evolve(problem, Budget(evaluations=1_000_000), seed=1)
    assert found.state["rows"] > 32
    for candidate in found.front:
        residual = candidate.expression.evaluate(X) - noisy
        assert candidate.loss == pytest.approx(np.mean(residual**2), rel=1e-9)


WORK = workshop("x + y*z")
