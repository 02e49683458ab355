"""Every engine keeps to the constraints on the shape and size of formulas, and ends when nothing improves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from balmer import Dataset, Problem, discover
from balmer.engines import Budget, Objective, SearchSpace
from balmer.errors import ConfigError
from balmer.expressions import OPERATORS, Complexity, Constraints, parse
from strategies import expressions

BUDGET = Budget(evaluations=20_000)


def table(seed=0, n=60):
    """A law that calls for what the constraints forbid: sin in sin, long arguments, high powers."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 3, (2, n))
    return Dataset.from_arrays({"a": a, "b": b}, np.sin(a + 2 * np.sin(a * b)) + a**2.5 / (1 + b))


def largest_argument(expression, name, which, complexity):
    """The largest complexity of an operator's argument, by walking down the tree."""
    children = expression.children()
    below = [largest_argument(child, name, which, complexity) for child in children]
    own = [complexity.of(children[which])] if children and expression.ops[-1] == OPERATORS[name].code else []
    return max([0, *below, *own])


def most_nested(expression, outer, inner):
    """How often the inner operator occurs on the way down from an outer one, at most, by walking down the tree."""

    def often(e):
        return int(e.ops[-1] == OPERATORS[inner].code) + max((often(c) for c in e.children()), default=0)

    children = expression.children()
    here = max((often(c) for c in children), default=0) if expression.ops[-1] == OPERATORS[outer].code else 0
    return max([here, *(most_nested(c, outer, inner) for c in children)])


SPACE = SearchSpace(
    operators="+ - * / pow sin exp",
    nested_constraints={"sin": {"sin": 0, "exp": 0}, "exp": {"sin": 1, "exp": 0}, "+": {"+": 2}},
    argument_constraints={"sin": 4, "/": (-1, 3), "pow": (3, 1)},
    complexity_of_variables={"b": 2},
)


def keeps_to(expression, complexity):
    limits = [
        (outer, inner, most)
        for outer, inside in SPACE.nested_constraints.items()
        for inner, most in inside.items()
    ]
    return all(most_nested(expression, outer, inner) <= most for outer, inner, most in limits) and all(
        most < 0 or largest_argument(expression, name, which, complexity) <= most
        for name, arguments in SPACE.argument_constraints.items()
        for which, most in enumerate(arguments)
    )


def test_constraints_are_kept_to(engine):
    problem = Problem(table(), SPACE)
    free = Problem(table(), SearchSpace(operators="+ - * / pow sin exp"))
    found, unbound = (engine.evolve(p, BUDGET, seed=1) for p in (problem, free))
    assert len(found.archive) > 5
    assert all(keeps_to(c.expression, problem.space.complexity) for c in found.archive)
    assert not all(keeps_to(c.expression, problem.space.complexity) for c in unbound.archive)


def test_constraints_hold_on_the_whole_front_of_a_search(engine):
    """Power laws, small formulas, refinement and simplification know them too."""
    space = SearchSpace(
        operators="+ - * / pow square sqrt sin",
        nested_constraints={"sqrt": {"+": 0, "-": 0}},
        argument_constraints={"pow": (1, 1), "square": 1, "*": (-1, 4)},
        min_complexity=4,
    )
    problem = Problem(table(), space)
    found = discover(problem, evaluations=20_000, seed=1, engine=engine)
    assert len(found.front) > 3
    for law in found.front:
        assert not space.refuses(law.expression)
        assert most_nested(law.expression, "sqrt", "add") == 0
        assert largest_argument(law.expression, "square", 0, space.complexity) <= 1
        assert largest_argument(law.expression, "mul", 1, space.complexity) <= 4
        assert law.complexity >= 4


def test_a_smallest_complexity_is_kept_to(engine):
    space = SearchSpace(min_complexity=8, max_complexity=14)
    found = engine.evolve(Problem(table(), space), BUDGET, seed=1)
    assert found.archive
    assert all(8 <= c.complexity <= 14 for c in found.archive)


@pytest.mark.parametrize("costs", [{"b": 4}, (1, 4)], ids=["by name", "in order"])
def test_each_variable_may_have_a_cost_of_its_own(engine, costs):
    problem = Problem(table(), SearchSpace(max_complexity=9, complexity_of_variables=costs))
    found = engine.evolve(problem, BUDGET, seed=1)
    for candidate in found.archive:
        e = candidate.expression
        wanted = len(e) + e.n_constants + 3 * sum(op == 2 and arg == 1 for op, arg, _ in e)
        assert candidate.complexity == wanted <= 9


def test_a_start_formula_that_breaks_a_constraint_is_refused_with_the_reason(engine):
    space = SearchSpace(nested_constraints={"sin": {"sin": 0}})
    with pytest.raises(ConfigError, match=r"sin\(sin\(a\)\).*sin occurs once or more inside sin"):
        engine.evolve(Problem(table(), space), BUDGET, seed=1, start=[parse("sin(sin(a))", ["a", "b"])])


def test_patience_ends_a_search_that_finds_nothing_better(engine):
    rng = np.random.default_rng(0)
    data = Dataset.from_arrays({"x": np.linspace(1, 2, 40)}, rng.normal(size=40))
    problem = Problem(data, SearchSpace(operators="+ *", max_complexity=5), Objective(units="ignore"))
    budget = Budget(evaluations=10**8, patience=30_000)
    found = engine.evolve(problem, budget, seed=1)
    assert found.stopped == "patience"
    assert 30_000 <= found.evaluations < 10**6
    again = engine.evolve(problem, budget, seed=1)
    assert (again.evaluations, again.front) == (found.evaluations, found.front)


@given(expressions(3, operators=("add", "div", "pow", "sin", "exp"), max_leaves=12))
def test_what_a_formula_breaks_is_what_walking_down_the_tree_finds(expression):
    complexity = Complexity(variable=(1, 2, 1))
    constraints = Constraints(SPACE.argument_constraints, SPACE.nested_constraints)
    assert bool(constraints.broken_by(expression, complexity)) != keeps_to(expression, complexity)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"nested_constraints": {"sine": {"sin": 0}}},
            r"nested_constraints.*there is no operator 'sine'.*sin",
        ),
        ({"nested_constraints": {"sin": 0}}, r"nested_constraints = .*mapping of mappings"),
        ({"nested_constraints": {"sin": {"cos": -2}}}, r"cos inside sin: a whole number from 0, or -1"),
        ({"argument_constraints": {"pow": 3}}, r"pow takes 2 arguments: give a limit for each"),
        ({"argument_constraints": {"sin": 0}}, r"sin: limits are whole numbers from 1, or -1"),
        ({"min_complexity": 12, "max_complexity": 9}, r"min_complexity = 12 is above max_complexity = 9"),
        ({"complexity_of_variables": {"a": 0}}, r"the complexity of a is 0"),
    ],
)
def test_a_mistake_is_one_sentence(options, message):
    with pytest.raises(ConfigError, match=message) as error:
        SearchSpace.read(options)
    assert "\n" not in str(error.value)


def test_costs_of_other_features_are_refused():
    with pytest.raises(ConfigError, match=r"no feature 'c'; features are a, b"):
        Problem(table(), SearchSpace(complexity_of_variables={"c": 2}))
    with pytest.raises(ConfigError, match=r"3 costs are given for 2 features"):
        Problem(table(), SearchSpace(complexity_of_variables=(1, 2, 3)))


def test_what_would_overflow_has_a_safe_form_at_the_price_of_its_spelling():
    space = SearchSpace()
    assert space.safe_forms == {"logexpm1", "log1mexp"}
    for safe, spelt in (("logexpm1(x)", "log(exp(x) - 1)"), ("log1mexp(x)", "log(1 - exp(neg(x)))")):
        one, other = parse(safe, ["x"]), parse(spelt, ["x"])
        assert space.admits(one)
        assert space.complexity.of(one) == space.complexity.of(other)
    assert SearchSpace(operators="+ * exp").safe_forms == frozenset()
    assert SearchSpace(operators="exp log").safe_forms == frozenset()
    assert SearchSpace(nested_constraints={"log": {"exp": 0}}).safe_forms == frozenset()
    assert SearchSpace(argument_constraints={"exp": 3}).safe_forms == frozenset()
    chosen = SearchSpace(operators="+ - exp log logexpm1")
    assert chosen.safe_forms == {"log1mexp"}
    assert chosen.complexity.of(parse("logexpm1(x)", ["x"])) == 2


def test_a_logarithm_is_found_whose_exponential_overflows():
    x = np.geomspace(0.01, 3000.0, 80)
    y = 0.8 * x + np.log1p(-np.exp(-0.8 * x))
    data = Dataset.from_arrays({"x": x}, y)
    found = discover(data, evaluations=60_000, seed=1, engine="embedded", operators="+ - * / exp log")
    assert found.best.loss < 1e-16 * np.mean(y**2)
    assert found.best.complexity <= 8
    assert "logexpm1" in found.best.expression.operators
