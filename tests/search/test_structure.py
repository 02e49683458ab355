"""Divide and conquer: smaller problems whose formulas solve the whole, and a plan that says what was tried."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from rich.console import Console

import balmer as bm
from balmer.cli.plan import print_plan
from balmer.engines import Budget, Finding, SearchSpace
from balmer.engines.embedded import EmbeddedEngine
from balmer.engines.embedded.probing import Surrogates
from balmer.expressions import apply, parse, variable
from balmer.search.plan import Attempt
from balmer.search.prune import pruned
from balmer.search.reductions import OUTER, Reduced, invariant, monomial
from balmer.search.refine import refit
from balmer.search.structure import search_structure

OPERATORS = "+ - * / square sqrt exp log sin cos"
SMALL = Budget(evaluations=20_000)


def problem(function, box, n=300, noise=0.0, units=None, **space):
    rng = np.random.default_rng(2)
    columns = {name: rng.uniform(*bounds, n) for name, bounds in box.items()}
    y = function(**columns)
    y = y + noise * y.std() * rng.normal(size=n)
    space = {"operators": OPERATORS} | space
    data = bm.Dataset.from_arrays(columns, y, target="f", units=units)
    return bm.Problem(data, SearchSpace(**space))


def agrees(expression, of):
    residual = expression.evaluate(of.X) - of.y
    return np.sqrt(np.mean(residual**2)) < 1e-6 * of.y.std()


CASES = {
    "pairs with an invariant": (
        lambda A, k, x, t: A * np.cos(k * x - t),
        {"A": (1, 3), "k": (0.5, 1.5), "x": (0.5, 2), "t": (0.5, 2)},
    ),
    "powers": (
        lambda m, v, k, x: m * v**2 / 2 + k * x**2 / 2,
        {"m": (1, 3), "v": (1, 4), "k": (1, 3), "x": (1, 3)},
    ),
    "a scale": (
        lambda e, t: e / (np.exp(e / t) - 1),
        {"e": (1, 4), "t": (1, 3)},
    ),
    "a sum": (
        lambda a, b, c: np.sin(a) + b / (c + b**2),
        {"a": (0.2, 3), "b": (0.5, 2), "c": (0.5, 2)},
    ),
    "an outer function": (
        lambda a, b, c: np.sqrt(np.sin(a) + np.log(b) / c),
        {"a": (0.3, 2.5), "b": (1.5, 3), "c": (1, 3)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_is_found_in_parts(name):
    asked = problem(*CASES[name])
    plan = search_structure(asked, EmbeddedEngine(threads=2), SMALL, seed=0)
    assert plan.solved, str(plan)
    assert agrees(plan.formulas[0][0], asked)
    assert plan.formulas[0][1].startswith("structure: ")
    assert plan.attempts


def test_no_structure_is_no_plan():
    asked = problem(lambda x, y: np.sin(x * y) + x, {"x": (0.5, 3), "y": (0.5, 3)})
    plan = search_structure(asked, EmbeddedEngine(threads=2), SMALL, seed=0)
    assert plan.attempts == ()
    assert plan.formulas == ()
    assert not plan.solved
    assert plan.findings


def test_one_seed_gives_one_plan_on_any_number_of_threads():
    asked = problem(
        lambda a, b, c: np.sin(a * b) + np.sin(c) + c,
        dict.fromkeys("abc", (0.5, 3)),
        noise=0.02,
        operators="+ * sin exp",
    )
    one, two = (search_structure(asked, EmbeddedEngine(threads=n), SMALL, seed=1) for n in (1, 2))
    assert str(one) == str(two)
    assert one.formulas == two.formulas


class Liar(EmbeddedEngine):
    """An engine that finds structure where there is none."""

    def probe(self, problem, *, seed, on_progress=None):
        names = problem.dataset.feature_names
        lies = [Finding("difference", names[:2], (), 0.0, 3.0, True)]
        return [*lies, Finding("additive", names[:1], names[1:], 0.0, 3.0, True)] if len(names) == 2 else []


def test_a_wrong_finding_costs_time_but_not_the_answer():
    asked = problem(lambda x, y: x * y**2, {"x": (1, 3), "y": (1, 3)})
    found = bm.discover(
        asked, engine=Liar(threads=2), evaluations=20_000, structure=True, start=["x*sqrt(y)"]
    )
    assert found.best.text() == "x*y**2"


def test_discover_joins_what_the_structure_gives():
    asked = problem(*CASES["powers"], operators="+ * square", max_complexity=20)
    found = bm.discover(
        asked,
        engine=EmbeddedEngine(threads=2, islands=1, population=8, max_rows=64),
        evaluations=1500,
        structure=True,
    )
    assert found.plan is not None
    assert {f.kind for f in found.findings if f.verdict} >= {"additive", "compositional"}
    assert found.best.loss < 1e-18
    assert found.best.origin.startswith("structure: ")
    assert found.stopped == "target"


def test_without_a_wish_a_small_budget_is_not_divided():
    asked = problem(lambda x, y: np.sin(x * y) + x, {"x": (0.5, 3), "y": (0.5, 3)}, n=40)
    assert bm.discover(asked, engine="embedded", evaluations=500).plan is None
    assert bm.discover(asked, engine="embedded", evaluations=500).findings == ()


def test_units_go_with_the_variables():
    units = {"m": "kg", "v": "m/s", "x": "km", "k": "kg/s^2", "f": "J"}
    asked = problem(lambda m, v, k, x: m * v**2 + k * x**2, dict.fromkeys("mvkx", (1, 2)), units=units)
    root = Reduced.root(asked)
    merged = root.with_inner({(0, 1): parse("m*v**2", asked.dataset.feature_names)})
    assert merged.problem.dataset.feature_names == ("m*v**2", "k", "x")
    unit = merged.problem.dataset.units["m*v**2"]
    assert unit is not None
    assert unit.dimension == asked.dataset.target.unit.dimension
    assert merged.problem.check_units
    sums = root.with_inner({(1, 3): parse("v + x", asked.dataset.feature_names)})
    assert not sums.problem.check_units
    np.testing.assert_array_equal(merged.problem.X[0], asked.X[0] * asked.X[1] ** 2)


@pytest.mark.parametrize("kind", ["difference", "sum", "ratio", "product", "radius", "hyperbolic"])
def test_an_invariant_is_what_the_kind_says(kind):
    x, y = np.array([[3.0, 4.0], [1.0, 2.0]])
    values = invariant(kind, 0, 1, np.array([x, y])).evaluate([x, y])
    said = {"difference": x - y, "sum": x + y, "ratio": x / y, "product": x * y,
            "radius": np.hypot(x, y), "hyperbolic": np.sqrt(x**2 - y**2)}  # fmt: skip
    np.testing.assert_allclose(values, said[kind])


@pytest.mark.parametrize("p", ["1/2", "2", "-2", "-1/3", "3"])
def test_the_power_of_a_pair_is_seen(p):
    power = Fraction(p)
    asked = problem(
        lambda x, y, z: np.sin(x * y ** float(power)) + z, {"x": (0.5, 1.5), "y": (0.6, 1.6), "z": (0, 1)}
    )
    assert Surrogates(asked, 0).power(0, 1) == power
    x, y = asked.X[:2]
    u = monomial(0, 1, power).evaluate(asked.X)
    np.testing.assert_allclose(u, (x * y ** float(power)) ** power.denominator)
    assert Surrogates(asked, 0).power(0, 2) is None


@pytest.mark.parametrize("p", ["1", "2", "-1", "-1/2"])
def test_the_degree_of_a_pair_is_seen(p):
    degree = Fraction(p)
    box = {"x": (0.5, 1.5), "y": (0.6, 1.6), "z": (0, 1)}
    asked = problem(lambda x, y, z: y ** float(degree) * (np.exp(-x / y) + np.sin(z)), box)
    assert Surrogates(asked, 0).degree(0, 1) == degree
    assert Surrogates(asked, 0).degree(0, 2) is None


def test_parts_of_a_sum_and_a_product_are_separated():
    box = {"x": (0.5, 3), "y": (1, 2)}
    for function, parts in (
        (lambda x, y: np.sin(x) + y**2, "summands"),
        (lambda x, y: np.sin(x) * y**2, "factors"),
    ):
        surrogates = Surrogates(problem(function, box), 0)
        x, y = problem(function, box).X[:, surrogates.rows]
        g, h = getattr(surrogates, parts)((0,), (1,))
        assert abs(np.corrcoef(g, np.sin(x))[0, 1]) > 1 - 1e-5
        assert abs(np.corrcoef(h, y**2)[0, 1]) > 1 - 1e-5


@pytest.mark.parametrize("outer", OUTER, ids=lambda outer: outer.name)
def test_an_outer_function_is_undone_and_its_slope_is_right(outer):
    y = np.linspace(0.1, 0.9, 9)
    assert outer.domain(y)
    undone = apply(outer.undo, variable(0)).evaluate(outer.forward(y)[None])
    np.testing.assert_allclose(undone, y)
    slope = (outer.forward(y + 1e-6) - outer.forward(y - 1e-6)) / 2e-6
    np.testing.assert_allclose(outer.slope(y), slope, rtol=1e-6)


def test_what_a_formula_does_not_need_is_pruned():
    asked = problem(lambda x, y: x * np.sin(y), {"x": (1, 2), "y": (1, 2)})
    long = parse("2.0*(x*sin(y) + exp(x - 70.0))/2.0 + 0.0*log(y)", asked.dataset.feature_names)
    short = pruned(refit(long, asked, ""), asked, 1e-20)
    assert short.expression.text(asked.dataset.feature_names) == "x*sin(y)"
    same = refit(parse("x + y", asked.dataset.feature_names), asked, "")
    assert pruned(same, asked, 1e-20) == same


def test_a_plan_reads_as_a_tree():
    asked = problem(lambda x, y, z: np.sin(x * y) + z, dict.fromkeys("xyz", (0.5, 2)), operators="+ * sin")
    plan = search_structure(asked, EmbeddedEngine(threads=2), SMALL, seed=0)
    text = io.StringIO()
    print_plan(Console(file=text, width=200), plan)
    assert "Structure: " in text.getvalue()
    assert "x*y" in text.getvalue()
    tree = Attempt("x - y", "best a", (Attempt("a slice in z", "no formula"),))
    assert list(tree.lines()) == ["x - y: best a", "  a slice in z: no formula"]


def test_the_user_ends_a_plan_and_keeps_what_it_has():
    calls = []

    def enough(progress):
        calls.append(progress)
        return len(calls) >= 3

    asked = problem(*CASES["a sum"])
    plan = search_structure(asked, EmbeddedEngine(threads=2), SMALL, seed=0, on_progress=enough)
    assert plan.interrupted
    assert all(p.stage.startswith("structure: ") and p.front == () for p in calls)
