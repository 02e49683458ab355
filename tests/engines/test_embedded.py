"""Parts of the embedded engine's compiled code, held against the slow and exact ones in Python."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from balmer import Dataset, Expression, Problem
from balmer.engines import Objective, SearchSpace
from balmer.engines.embedded import mutate, simplify, trees, typed, units
from balmer.engines.embedded.island import linked, new_scratch
from balmer.engines.embedded.library import fill, new_library
from balmer.engines.embedded.rules import rules_for
from balmer.engines.embedded.state import new_islands
from balmer.engines.embedded.types import Formula
from balmer.expressions import OPERATORS, apply, check_dimensions, literal, parse, variable
from balmer.expressions.operators import CONSTANT, VARIABLE
from balmer.kernels.program import pack
from balmer.units import BASE, Dimension
from strategies import expressions, rows

SIZE = 60
DATA = Dataset.from_arrays(
    {"l": [1.0, 2, 3, 4], "t": [1.0, 3, 2, 5], "k": [2.0, 1, 4, 3]},
    [1.0, 2, 3, 5],
    units={"l": "m", "t": "s", "k": "1", "y": "m/s"},
)
SPACE = SearchSpace(operators=tuple(OPERATORS), max_complexity=SIZE, max_depth=SIZE)
RULES = rules_for(
    Problem(DATA, SPACE),
    tournament=3,
    crossover=0.3,
    repair=0.3,
    parsimony=1.0,
    fit_steps=4,
)
NAMES = ["l", "t", "k"]
OCCURRING = [b for b in BASE if b in ("m", "s")]  # base quantities, in the order of the rules' exponents
ALGEBRA = ("add", "sub", "mul", "div", "neg", "square", "sqrt", "inv", "pow", "sin", "exp", "abs")


@numba.njit
def _units_hold(f, rules):
    return units.units_hold(f, rules)


@numba.njit
def _demanded(f, at, rules, dimension):
    return units.demanded(f, at, rules, dimension)


@numba.njit
def _grow_typed(f, library, sc, rules, s):
    return typed.grow_typed(f, library, sc, rules, s)


@numba.njit
def _vary_typed(f, library, sc, rules, s):
    return typed.vary_typed(f, library, sc, rules, s)


@numba.njit
def _simplify(f, out, rules, starts):
    return simplify.simplify(f, out, rules, starts)


@numba.njit
def _mutate(f, spare, rules, stream):
    return mutate.mutate(f, spare, rules, stream)


@numba.njit
def _cross(f, other, rules, stream):
    return mutate.cross(f, other, rules, stream)


@numba.njit
def _measure(f, rules, stack):
    return trees.complexity_of(f, rules.cost), trees.depth_of(f, rules.arity, stack), trees.hash_of(f)


def formula(expression=None):
    f = Formula(np.zeros(SIZE, np.int16), np.zeros(SIZE, np.int16), np.zeros(SIZE), np.zeros(1, np.int64))
    if expression is not None:
        n = len(expression)
        f.ops[:n], f.args[:n], f.values[:n], f.n[0] = expression.ops, expression.args, expression.values, n
    return f


def expression_of(f):
    n = int(f.n[0])
    return Expression(f.ops[:n], f.args[:n], f.values[:n])


def simplified(expression):
    out = formula()
    return (
        expression_of(out) if _simplify(formula(expression), out, RULES, np.zeros(SIZE, np.int64)) else None
    )


def has_unsettled_exponent(expression):
    """Whether an exponent is a number that the search would still fit, or fold before it looks at units."""
    return expression.fold(
        # unsettled below, without features, one node, with a free constant
        lambda i: (False, expression.ops[i] != VARIABLE, True, expression.ops[i] == CONSTANT),
        lambda i, below: (
            any(b[0] for b in below)
            or (
                expression.ops[i] == OPERATORS["pow"].code
                and (below[-1][3] or (below[-1][1] and not below[-1][2]))
            ),
            all(b[1] for b in below),
            False,
            any(b[3] for b in below),
        ),
    )[0]


@given(expressions(n_features=3, max_leaves=7), st.booleans())
@example(parse("0.0**(1 - 2)", ["l", "t", "k"]), False)
@settings(max_examples=800)
def test_the_compiled_unit_check_is_the_exact_one(expression, pure):
    assume(len(expression) <= SIZE)
    features = [column.unit.dimension for column in DATA.features]
    given_units = [Dimension()] * expression.n_constants if pure else None
    exact = check_dimensions(expression, features, DATA.target.unit.dimension, constants=given_units).holds
    compiled = _units_hold(formula(expression), RULES._replace(pure_constants=pure))
    if compiled:
        assert exact
    # A fitted exponent is held to more in the search: that its value may still change.
    if exact and not has_unsettled_exponent(expression):
        assert compiled


@given(expressions(n_features=3, max_leaves=7), st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=400)
def test_what_may_hold_where_units_are_missing_is_admitted(expression, unknown):
    assume(len(expression) <= SIZE)
    features = [None if u else c.unit.dimension for c, u in zip(DATA.features, unknown, strict=False)]
    target = None if unknown[-1] else DATA.target.unit.dimension
    exact = check_dimensions(expression, features, target).holds
    compiled = _units_hold(formula(expression), RULES._replace(unknown=np.array(unknown)))
    if exact and not has_unsettled_exponent(expression):
        assert compiled
    if not any(unknown) and compiled:
        assert exact


POWERS = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])


def monomial(exponents):
    """A formula without free constants that has this dimension, in metres and seconds."""
    powers = [apply("pow", variable(k), literal(float(e))) for k, e in enumerate(exponents) if e]
    return apply("mul", *powers) if len(powers) == 2 else (powers or [variable(2)])[0]


@given(expressions(n_features=3, max_leaves=6, operators=ALGEBRA), st.randoms(), st.tuples(POWERS, POWERS))
@settings(max_examples=400)
def test_what_a_place_demands_is_what_holds_there(expression, random, other):
    at = random.randrange(len(expression))
    start = at + 1 - len(expression.subtree(at))
    demand = np.zeros(RULES.dimensions.shape[1])
    what = _demanded(formula(expression), at, RULES, demand)
    assume(what != units.NOTHING)

    def holds(exponents):
        part = monomial(exponents)
        new = Expression(*(np.concatenate([getattr(expression, name)[:start], getattr(part, name),
                           getattr(expression, name)[at + 1 :]]) for name in ("ops", "args", "values")))  # fmt: skip
        assume(len(new) <= SIZE)
        return _units_hold(formula(new), RULES)

    if what == units.ANY:
        assert holds(other)
    else:
        in_base = dict(zip(OCCURRING, demand, strict=True))
        wanted = (in_base["m"], in_base["s"])
        assume(all(abs(round(12 * e) - 12 * e) < 1e-9 for e in wanted))
        assert holds(wanted)
        assert holds(other) == (max(abs(a - b) for a, b in zip(other, wanted, strict=True)) < 1e-9)


@pytest.mark.parametrize(
    ("text", "at", "demand"),
    [
        ("k*l", 0, (0.0, -1.0)), ("sqrt(k)", 0, (2.0, -2.0)), ("l/k", 1, (0.0, 1.0)), ("l/t + k", 3, (1.0, -1.0)),
        ("l/t*sin(k)", 3, (0.0, 0.0)), ("l/t + l/k", 4, (0.0, 1.0)), ("(l/t)**k", 3, "nothing"),
        ("k**k*l/t", 1, (0.0, 0.0)),
        ("1.5*k", 1, "any"), ("sin(l)*k", 2, "nothing"), ("l + k", 1, "nothing"), ("1.5 + k", 1, (1.0, -1.0)),
    ],
)  # fmt: skip
def test_demands_of_plain_cases(text, at, demand):
    found = np.zeros(RULES.dimensions.shape[1])
    what = _demanded(formula(parse(text, NAMES)), at, RULES, found)
    if demand in ("any", "nothing"):
        assert what == (units.ANY if demand == "any" else units.NOTHING)
    else:
        assert what == units.DEFINITE
        assert (found[OCCURRING.index("m")], found[OCCURRING.index("s")]) == pytest.approx(demand)


@pytest.mark.parametrize("pure", [False, True])
def test_typed_variation_keeps_to_the_units(pure):
    rng = np.random.default_rng(3)
    X = {name: rng.uniform(1.0, 2.0, 40) for name in NAMES}
    data = Dataset.from_arrays(X, X["l"] / X["t"], units={"l": "m", "t": "s", "k": "1", "y": "m/s"})
    rules = rules_for(
        Problem(data, SearchSpace(), Objective(constants="dimensionless" if pure else "free")),
        tournament=3, crossover=0.3, repair=0.3, parsimony=1.0, fit_steps=4,
    )  # fmt: skip
    sc, library = new_scratch(rules, 32), new_library(40, rules.dimensions.shape[1])
    table = pack(data.X, data.y, np.full(40, 1 / 40), SIZE)
    island = new_islands(Problem(data), 1, 2, 5)[0]
    fill(library, sc, island.stream, table, linked(rules, island, library, sc, table))
    f, born, held, varied = sc.child, 0, 0, 0
    for _ in range(300):
        if not _grow_typed(f, library, sc, rules, island.stream):
            continue
        born += 1
        assert _units_hold(f, rules), expression_of(f).text(NAMES)
        for _ in range(5):
            if _vary_typed(f, library, sc, rules, island.stream):
                varied += 1
                held += _units_hold(f, rules)
        expression_of(f)  # raises where operands and operators do not match
    assert born > 200
    assert varied > 500
    assert held == varied


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("l/t", True), ("l*t", False), ("2.5*l*t", True), ("l/t + sin(k)", False), ("l/t*sin(k)", True),
        ("l/t*exp(l/t)", False), ("l/t*exp(1.5*l/t)", True), ("sqrt(l**2)/t", True), ("l**2.5/t", False),
        ("1.5*l**2.5/t", True), ("(l + 1.5)/t", True), ("(l + 1)/t", False), ("l/t + 0", True), ("k", False),
        ("l**k/t", False), ("l/t*k**k", True), ("l/t*1.5**k", True), ("l/t*1.5**l", False),
    ],
)  # fmt: skip
def test_units_of_plain_cases(text, holds):
    assert _units_hold(formula(parse(text, NAMES)), RULES) == holds


@given(expressions(n_features=3, max_leaves=9), rows(3, n_rows=6))
@settings(max_examples=500)
def test_simplification_keeps_values_and_shortens(expression, X):
    assume(len(expression) <= SIZE)
    shorter = simplified(expression)
    assume(shorter is not None)
    assert len(shorter) <= len(expression)
    assert shorter.n_constants <= expression.n_constants
    with np.errstate(all="ignore"):
        a, b = expression.evaluate(X), shorter.evaluate(X)
        scale = np.abs(expression.evaluate(np.nextafter(X, 9.0)) - a)
        # Numbers change their order, so the last digits may; and points where both make no sense do not count.
        close = np.abs(a - b) <= 1e-9 * np.abs(a) + 1e4 * scale + 1e-250
    assert np.all(close | ~np.isfinite(a) | ~np.isfinite(b) | ~np.isfinite(scale))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2.0*(3.0*l)", "6.0*l"), ("2.0 + (3.0 + l)", "5.0 + l"), ("l*2.0", "2.0*l"), ("l - 2.0", "-2.0 + l"),
        ("l/4.0", "0.25*l"), ("(2.0 + l) + t", "2.0 + (l + t)"), ("(2.0*l)/t", "2.0*(l/t)"), ("l - l", "0"),
        ("l/l", "1"), ("0 + l", "l"), ("1*l", "l"), ("l/1", "l"), ("log(exp(l))", "l"), ("sqrt(l)**2", "l"),
        ("l - sqrt(l)**2", "0"), ("exp(log(l))", "l"), ("cbrt(l)**3", "l"), ("cbrt(l**3)", "l"),
        ("sin(2.0 - 2.0)", "0.0"),
        ("2.0 - (3.0 - l)", "-1.0 + l"), ("t - 2.0*l", "t + -2.0*l"), ("8.0/(2.0*l)", "4.0/l"),
        ("1 + (2 + l)", "3 + l"), ("log(exp(l) - 1)", "logexpm1(l)"), ("log(exp(l*t) - 2)", "log(-2 + exp(l*t))"),
        ("l*t/l", "t"), ("l/(l*t)", "1/t"), ("l/(t*(t + l)/t)", "l/(t + l)"),
        ("l/(k/t)*(t/l)", "1/(k/t)*t"), ("sin(l)*t/sin(l)", "t"), ("l + t - l", "t"), ("l - t + (t + k)", "l + k"),
        ("(l/t)*(t/l)", "1"), ("2.0*l/l", "2.0"), ("l - (l + t)", "l - (l + t)"),
        ("l/t/(l*k)", "1/t/k"), ("(l + t)*l/(l + t)", "l"),
    ],
)  # fmt: skip
def test_simplification_of_plain_cases(given, wanted):
    assert simplified(parse(given, NAMES)).text(NAMES) == parse(wanted, NAMES).text(NAMES)


def test_two_free_constants_are_two_unknowns():
    e = parse("1.5*l - 1.5*l", NAMES)
    assert simplified(e).n_constants == 2


@given(
    expressions(n_features=3, max_leaves=9), expressions(n_features=3, max_leaves=9), st.integers(0, 2**31)
)
@settings(max_examples=300)
def test_whatever_variation_makes_is_a_formula(one, other, seed):
    assume(max(len(one), len(other)) <= SIZE)
    stream = np.random.SeedSequence(seed).generate_state(4, np.uint64)
    f, spare = formula(one), formula()
    for _ in range(10):
        _mutate(f, spare, RULES, stream)
        expression_of(f)  # raises where operands and operators do not match
        _cross(f, formula(other), RULES, stream)
        expression_of(f)
        assert f.n[0] <= SIZE


@given(expressions(n_features=3, max_leaves=9))
def test_measures_are_those_of_the_expression(expression):
    assume(len(expression) <= SIZE)
    complexity, depth, key = _measure(formula(expression), RULES, np.zeros(SIZE, np.int64))
    assert complexity == SPACE.complexity.of(expression)
    assert depth == expression.depth
    moved = expression.with_constants(expression.constants + 1.0)
    assert _measure(formula(moved), RULES, np.zeros(SIZE, np.int64))[2] == key
