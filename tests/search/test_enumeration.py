"""The enumeration is complete up to a size, holds nothing twice, obeys units, and takes composed laws apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.data import Dataset
from balmer.engines import Objective, Problem, SearchSpace
from balmer.expressions import Expression, apply, check_dimensions, literal, parse, variable
from balmer.expressions.operators import OPERATORS, UnitRule
from balmer.search.enumeration import small_formulas
from balmer.search.refine import refit, units_hold
from balmer.search.table import FormulaTable, key_rows, size_of

NAMES = ("x", "y", "z")
SMALL = 0.05  # effort


def problem_of(
    formula: str, n_features: int = 2, operators: str = "+ - * / sqrt square exp log sin", *, n: int = 60,
    noise: float = 0.0, low: float = 0.6, high: float = 2.4, units=None, **space,
) -> Problem:  # fmt: skip
    rng = np.random.default_rng(5)
    X = rng.uniform(low, high, (n_features, n))
    y = parse(formula, NAMES[:n_features]).evaluate(X)
    y = y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=n)
    columns = dict(zip(NAMES, X, strict=False))
    data = bm.Dataset.from_arrays(columns, y, target="t", units=units)
    objective = Objective(units="ignore" if units is None else "forbid")
    return Problem(data, SearchSpace.read({"operators": operators, **space}), objective)


def table_of(problem: Problem, most: int = 20_000) -> FormulaTable:
    return FormulaTable.build(
        problem, key_rows(problem, list(range(len(problem.X))), np.arange(len(problem.y))), most
    )


def is_exact(formulas: list[Expression], problem: Problem) -> bool:
    scale = np.mean(problem.y**2)
    return min(refit(e, problem, "").loss for e in formulas) <= 1e-20 * scale


# -- the table ---------------------------------------------------------------------------------------------------


def every_formula(problem: Problem, largest: int) -> list[Expression]:
    """All formulas up to a size, equal ones too, by brute force."""
    by_size: dict[int, list[Expression]] = {}
    leaves = [*map(variable, range(len(problem.X))), literal(1.0), literal(2.0), literal(np.pi)]
    for leaf in leaves:
        by_size.setdefault(size_of(leaf), []).append(leaf)
    for size in range(2, largest + 1):
        level = by_size.setdefault(size, [])
        for name in problem.space.operators:
            own = 2 if OPERATORS[name].unit_rule in (UnitRule.PURE, UnitRule.POW) else 1
            if OPERATORS[name].arity == 1:
                level += [apply(name, a) for a in by_size.get(size - own, [])]
                continue
            for left in range(1, size - own):
                for a in by_size.get(left, []):
                    level += [apply(name, a, b) for b in by_size.get(size - own - left, [])]
    return [e for level in by_size.values() for e in level]


@pytest.mark.parametrize("operators", ["+ - * / sqrt", "* / - exp sin", "add neg inv cube log", "+ pow max"])
def test_every_small_formula_is_in_the_table(operators):
    problem = problem_of("x*y", operators=operators)
    table = table_of(problem, 30_000)
    assert table.complete >= 5
    has_pi = any(OPERATORS[name].unit_rule == UnitRule.PURE for name in problem.space.operators)
    order = np.argsort(table.values[:, 0])
    first = table.values[order, 0]
    checked = 0
    for formula in every_formula(problem, 5):
        if not formula.variables or (np.pi in formula.values and not has_pi):
            continue
        if any(not part.variables and len(part) > 1 for part in map(formula.subtree, range(len(formula)))):
            continue  # of numbers only arithmetic is done, and that is tested below
        values = formula.evaluate(table.X)
        if not np.isfinite(values).all() or np.ptp(values) <= 1e-8 * np.abs(values).max():
            continue
        if "pow" in formula.operators and any(
            len(part.children()[1]) > 1
            for part in map(formula.subtree, range(len(formula)))
            if part.ops[-1] == OPERATORS["pow"].code
        ):
            continue  # exponents are single leaves
        width = 1e-9 * np.abs(values).max()
        near = order[slice(*np.searchsorted(first, [values[0] - width, values[0] + width]))]
        assert np.any(np.abs(table.values[near] - values).max(axis=1) <= width), formula.text()
        checked += 1
    assert checked > 300


def test_numbers_come_of_arithmetic():
    table = table_of(problem_of("x*y", operators="+ - * / sin"))
    numbers = table.values[table.store.number[: table.n], 0]
    for wanted in (1, 2, 3, 0.5, 4, np.pi, 2 * np.pi, np.pi / 2, 1.5, -1):
        assert np.isclose(numbers, wanted).any(), wanted
    assert not np.isclose(numbers, np.sin(1)).any()


@given(
    st.sampled_from(["+ - * /", "+ * sqrt square log", "- / exp sin cos", "* pow tanh neg"]),
    st.integers(1, 3),
)
@settings(max_examples=8, deadline=None)
def test_no_two_formulas_of_the_table_are_equal(operators, n_features):
    values = table_of(problem_of("x", n_features, operators), 5000).values
    order = np.lexsort(values.T[::-1])
    a, b = values[order[:-1]], values[order[1:]]
    equal = np.all(np.abs(a - b) <= 1e-12 * np.maximum(np.abs(a), np.abs(b)), axis=1)
    assert not equal.any()


def test_the_formula_of_an_entry_has_its_values():
    problem = problem_of("x", 2, "+ - * / sqrt exp sin", custom_operators=("gauss(a) = exp(-2*a**2)",))
    table = table_of(problem, 4000)
    texts = []
    for place in range(0, table.n, 7):
        formula = table.expression(place)
        np.testing.assert_allclose(formula.evaluate(table.X), table.values[place], rtol=1e-9)
        texts.append(formula.text(NAMES))
    assert any("exp(-2" in text or "exp((-2" in text for text in texts)


def test_a_full_table_says_how_far_it_is_complete():
    small, large = (table_of(problem_of("x", 3), most) for most in (300, 10_000))
    assert small.n == 300
    assert small.complete < large.complete
    sizes = [size_of(large.expression(k)) for k in range(large.n)]
    assert sizes == sorted(sizes)


UNITS = {"x": "m", "y": "s", "z": "kg", "t": "m/s"}


def test_every_entry_has_the_dimension_of_its_group():
    problem = problem_of("x/y", 3, "+ - * / sqrt exp sin pow", units=UNITS)
    table = table_of(problem, 6000)
    assert problem.dimensions is not None
    features = problem.dimensions[:-1]
    by_number = {}
    for group in table.groups:
        for place in range(group.start, group.stop, 11):
            report = check_dimensions(table.expression(place), features)
            assert report.holds
            assert by_number.setdefault(group.dimension, report.dimension) == report.dimension
    assert len(set(by_number.values())) == len(by_number) > 10
    # Without units there are sums of all kinds, and fewer sizes fit.
    assert table.complete > table_of(problem_of("x/y", 3, "+ - * / sqrt exp sin pow"), 6000).complete


# -- small formulas ----------------------------------------------------------------------------------------------

PARTS = ("x", "y", "x*y", "x/y", "x + y", "x**2", "sqrt(y)", "x - y", "1/x", "x**2 + y**2")


@given(
    st.sampled_from([*PARTS, "sin(x)", "sin(x)/y", "exp(x)*y", "log(x*y)"]),
    st.sampled_from(PARTS),
    st.sampled_from(["{}", "({})**2", "sqrt(abs({}))", "exp({})", "log(abs({}))", "1/({})"]),
    st.sampled_from("+-*/"),
    st.sampled_from([1.7, -0.31, 12.5]),
    st.sampled_from([0.0, 2.3, -5.1]),
)
@settings(max_examples=12, deadline=None)
def test_a_composed_law_is_taken_apart(h, g, outer, op, a, b):
    problem = problem_of(outer.format(f"({a}*({h}) + {b}) {op} ({g})"))
    inner = parse(f"({a}*({h}) + {b}) {op} ({g})", NAMES[:2]).evaluate(problem.X)
    if "abs" in outer and np.any(inner <= 0):
        return  # where the argument changes sign no root leads back
    if not np.isfinite(problem.y).all() or np.abs(problem.y).max() > 1e6 * np.abs(problem.y).min():
        return
    assert is_exact(small_formulas(problem, SMALL), problem)


@given(
    st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0]), min_size=3, max_size=3),
    st.sampled_from(["x**2 - 2*y", "1 + x*z", "sin(x)", "exp(x/y) - 1", "x + y*z"]),
    st.sampled_from([-1.0, -0.5, 2.0]),
)
@settings(max_examples=8, deadline=None)
def test_products_of_any_powers_are_looked_up_at_once(exponents, h, power):
    powers = "*".join(f"{name}**({e})" for name, e in zip(NAMES, exponents, strict=True))
    problem = problem_of(f"0.37*{powers}*abs({h})**({power})", 3)
    assert is_exact(small_formulas(problem, 0.1), problem)


@pytest.mark.parametrize(
    "law",
    [
        "sqrt(x**2 + y**2 - 2*x*y*sin(z))",  # a square, a term taken off, a product
        "1/(exp(0.3*x/(y*z)) - 1)",  # an inverse, a term, a logarithm
        "x*sin(y*z)/(x + y)/(1 + z)",  # a product of three
        "x/y*(z - 3.3*y**2*x/(z**2 + x))",  # a factor, a term, a product
        "sqrt(2.1*x*y + z**2/x**2)",  # a square, a power law taken off
    ],
)
def test_laws_far_beyond_the_table_are_found(law):
    problem = problem_of(law, 3)
    assert is_exact(small_formulas(problem), problem)


@given(
    st.sampled_from(["x/y", "sqrt(x**2/y**2 + 3*x**2/y**2*sin(z))", "x/y*exp(2*z)", "x/y/(1 + z)"]),
    st.booleans(),
)
@settings(max_examples=5, deadline=None)
def test_units_are_never_wrong_where_that_is_forbidden(law, z_is_pure):
    units = {"x": "m", "y": "s", "z": "1" if z_is_pure else "kg", "t": "m/s"}
    problem = problem_of(law, 3, units=units)
    formulas = small_formulas(problem, SMALL)
    assert formulas
    assert all(units_hold(e, problem) for e in formulas)
    if z_is_pure:
        assert is_exact(formulas, problem)


@pytest.mark.parametrize("limits", [{"max_complexity": 6}, {"max_constants": 0}, {"max_depth": 3}])
def test_what_is_returned_keeps_to_the_space(limits):
    problem = problem_of("3.3*sin(x)/y + 0.2", noise=0.05, **limits)
    formulas = small_formulas(problem, SMALL)
    assert len(formulas) > 3
    assert all(problem.space.admits(e) for e in formulas)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_one_problem_gives_one_list(noise):
    problem = problem_of("sqrt(x + 1.3*y)", noise=noise)
    first, second = (small_formulas(problem, SMALL) for _ in range(2))
    assert first == second
    assert 5 <= len(first) <= 48 or noise == 0.0


@pytest.mark.parametrize(
    "law", ["2.2*x*y + 0.7", "exp(0.4*x*y)", "sqrt(1.9*x/y + 4)", "1/(0.3*x + 1.1)", "sin(0.4*x*y)"]
)
def test_with_noise_the_law_is_among_the_seeds(law):
    problem = problem_of(law, n=300, noise=0.02)
    best = min(refit(e, problem, "").loss for e in small_formulas(problem, SMALL))
    truth = parse(law, NAMES[:2]).evaluate(problem.X)
    assert best < 1.01 * np.mean((problem.y - truth) ** 2)


def test_rows_of_any_number_and_columns_without_use_do_no_harm():
    x = np.array([1.0, 2.0, 4.0, 7.0, 11.0])
    for n in (4, 5):
        columns = {"x": x[:n], "one": np.ones(n), "zero": np.zeros(n)}
        data = bm.Dataset.from_arrays(columns, 3.7 * x[:n] ** 2)
        formulas = small_formulas(Problem(data), SMALL)
        assert formulas
        assert all(np.isfinite(refit(e, Problem(data), "").loss) for e in formulas)


def test_rows_without_weight_say_nothing():
    x = np.linspace(1.0, 3.0, 40)
    y = 1.5 * np.sqrt(x + 1)
    y[::4] = -77.0
    data = bm.Dataset.from_arrays({"x": x}, y, weights=np.where(np.arange(40) % 4 == 0, 0.0, 1.0))
    problem = Problem(data)
    assert min(refit(e, problem, "").loss for e in small_formulas(problem, SMALL)) < 1e-20


def test_what_overflows_in_some_rows_is_found_all_the_same():
    x = np.geomspace(0.01, 5000.0, 400)[np.random.default_rng(1).permutation(400)]
    with np.errstate(over="ignore"):
        y = 2.0 / np.expm1(x)
    assert np.count_nonzero(y == 0) > 50
    found = small_formulas(Problem(Dataset.from_arrays({"x": x}, y)), 0.1)
    exact = [e for e in found if np.mean((e.evaluate(x[None]) - y) ** 2) < 1e-20 * np.mean(y**2)]
    assert exact
    assert "exp" in exact[0].operators
