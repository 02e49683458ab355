"""Random functions with each structure, and with none: what a probe must say of them, to rounding and in tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balmer import Dataset, Problem
from balmer.engines.embedded import EmbeddedEngine
from balmer.engines.finding import KINDS

NAMES = ("x", "y", "z")
BOX = {"x": (0.6, 2.0), "y": (0.5, 1.7), "z": (0.4, 2.1)}
HYPERBOLIC = BOX | {"x": (2.0, 3.0)}

INVARIANTS = {
    "difference": lambda x, y: x - y,
    "sum": lambda x, y: x + y,
    "ratio": lambda x, y: x / y,
    "product": lambda x, y: x * y,
    "radius": lambda x, y: np.sqrt(x**2 + y**2),
    "hyperbolic": lambda x, y: np.sqrt(x**2 - y**2),
}


def smooth(rng, d):
    """A sum of three waves in random directions, and a slope: no two of its variables go together."""
    k = rng.uniform(0.5, 1.6, (3, d)) * rng.choice([-1, 1], (3, d))
    phase, slope = rng.uniform(0, 6, 3), rng.uniform(0.2, 0.6, d)

    def f(*v):
        waves = sum(
            np.sin(sum(a * x for a, x in zip(row, v, strict=True)) + p)
            for row, p in zip(k, phase, strict=True)
        )
        return waves + sum(a * x for a, x in zip(slope, v, strict=True))

    return f


def monotone(rng):
    a, b = rng.uniform(0.5, 1, 2)
    return lambda v: a * v + b * v**3


def with_structure(kind, rng):
    """A random function of x, y, z of which one finding of that kind is true, and that finding."""
    g, h = smooth(rng, 2), smooth(rng, 1)
    split = (("x",), ("y", "z"))
    if kind == "irrelevant":
        return (lambda x, y, z: g(x, z)), (("y",), ())
    if kind == "additive":
        return (lambda x, y, z: h(x) + g(y, z)), split
    if kind == "multiplicative":
        return (lambda x, y, z: (4 + h(x)) * (5 + g(y, z))), split
    if kind == "generalised_additive":
        inner, outer = monotone(rng), monotone(rng)
        return (lambda x, y, z: outer((inner(x) + g(y, z)) / 3)), split
    if kind == "compositional":
        inner = smooth(rng, 2)
        return (lambda x, y, z: g(inner(x, y), z)), (("x", "y"), ())
    u = INVARIANTS[kind]
    return (lambda x, y, z: g(u(x, y), z)), (("x", "y"), ())


def verdict(findings, kind, groups):
    (found,) = [
        f.verdict
        for f in findings
        if f.kind == kind and set(map(frozenset, groups)) == set(map(frozenset, (f.variables, f.rest)))
    ]
    return found


def box_of(kind):
    return HYPERBOLIC if kind == "hyperbolic" else BOX


def rows(function, box, rng, n, noise=0.0):
    columns = {name: rng.uniform(*box[name], n) for name in NAMES}
    y = function(*columns.values())
    return Problem(Dataset.from_arrays(columns, y + noise * y.std() * rng.normal(size=n), target="f"))


@given(kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_a_structure_of_a_function_is_found_to_rounding(kind, seed):
    function, groups = with_structure(kind, np.random.default_rng(seed))
    findings = EmbeddedEngine().probe_function(lambda x, y, z: function(x, y, z), box_of(kind))
    assert verdict(findings, kind, groups)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_a_function_without_structure_shows_none(seed):
    findings = EmbeddedEngine().probe_function(smooth(np.random.default_rng(seed), 3), BOX)
    assert len(findings) == 33
    assert not any(f.verdict for f in findings)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("kind", KINDS)
def test_a_structure_is_found_in_a_table(engine, kind, noise):
    rng = np.random.default_rng([list(KINDS).index(kind), 7])
    function, groups = with_structure(kind, rng)
    findings = engine.probe(rows(function, box_of(kind), rng, 220, noise), seed=0)
    assert verdict(findings, kind, groups)


@pytest.mark.parametrize("seed", range(4))
def test_a_table_without_structure_shows_none(engine, seed):
    rng = np.random.default_rng([seed, 8])
    findings = engine.probe(rows(smooth(rng, 3), BOX, rng, 300, 0.005 * seed), seed=0)
    assert [str(f) for f in findings if f.verdict] == []


@pytest.mark.parametrize("kind", ["additive", "ratio", "compositional"])
def test_units_of_the_target_and_of_all_features_do_not_change_a_verdict(engine, kind):
    rng = np.random.default_rng(3)
    function, _ = with_structure(kind, rng)
    problem = rows(function, BOX, rng, 200)
    columns = {name: 1e-6 * x for name, x in zip(NAMES, problem.X, strict=True)}
    other = Problem(Dataset.from_arrays(columns, 1e9 * problem.y, target="f"))
    one, two = engine.probe(problem, seed=0), engine.probe(other, seed=0)
    assert [f.verdict for f in one] == [f.verdict for f in two]


def test_rows_of_no_trust_do_not_spoil_a_verdict(engine):
    rng = np.random.default_rng(5)
    function, groups = with_structure("additive", rng)
    clean = rows(function, BOX, rng, 400)
    y, sigma = clean.y.copy(), np.full(400, 0.01)
    y[::2] += rng.normal(size=200)
    sigma[::2] = 10.0
    columns = dict(zip(NAMES, clean.X, strict=True))
    findings = engine.probe(Problem(Dataset.from_arrays(columns, y, sigma=sigma, target="f")), seed=0)
    assert verdict(findings, "additive", groups)
    assert not verdict(findings, "multiplicative", groups)
