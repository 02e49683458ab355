"""What every engine must do, whichever it is: the contract of `balmer.engines.base`, tested from outside."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from balmer import Dataset, Problem
from balmer.engines import Budget, Objective, SearchSpace, pareto
from balmer.errors import ConfigError, EngineError
from balmer.expressions import OPERATORS, apply, check_dimensions, constant, parse, variable

SMALL = Budget(evaluations=4000)


def table(seed=0, n=60, **more):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 3, n), rng.uniform(0.5, 3, n)
    return Dataset.from_arrays({"a": a, "b": b}, 2.5 * a**2 + np.sin(b) + 0.01 * rng.normal(size=n), **more)


def reference_loss(expression, problem):
    """The loss by its definition, from the user's columns alone."""
    data = problem.dataset
    residual = expression.evaluate(data.X) - data.y
    if data.sigma is not None:
        residual = residual / data.sigma
    weights = np.ones(data.n_rows) if data.weights is None else data.weights
    counts = weights > 0
    return np.sum(weights[counts] * residual[counts] ** 2) / np.sum(weights)


def program(candidate):
    e = candidate.expression
    return e.ops.tobytes(), e.args.tobytes(), e.values.tobytes(), candidate.loss


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_means_what_numpy_means(engine, name):
    inside = (1.1, 2.9) if name not in ("asin", "acos") else (0.1, 0.9)
    x = np.linspace(*inside, 40)
    operands = [variable(i) for i in range(OPERATORS[name].arity)]
    truth = apply(name, *operands)
    features = {"a": x, "b": x[::-1] ** 2}
    y = OPERATORS[name].numpy(*list(features.values())[: len(operands)])
    if name == "pow":  # x^y of two features is not searched: one of the two is a number
        truth, y = apply("pow", variable(0), constant(1.7)), x**1.7
    space = SearchSpace(operators=(name, "add"), max_complexity=8)
    problem = Problem(Dataset.from_arrays(features, y), space)
    found = engine.evolve(problem, Budget(evaluations=200), seed=1, start=[truth])
    mine = [c for c in found.front if c.complexity <= space.complexity.of(truth)]
    assert mine[-1].loss <= 1e-24 * np.mean(y**2)


@pytest.mark.parametrize(
    ("formula", "outside"),
    [("log(x)", -0.5), ("sqrt(x)", -0.5), ("asin(x)", 1.5), ("acos(x)", -1.5), ("log1p(x)", -2.0),
     ("logexpm1(x)", -1.0), ("log1mexp(x)", -1.0), ("pow(x, 1.5)", -1.0)],
)  # fmt: skip
def test_outside_its_domain_a_formula_has_no_value_and_no_place_on_the_front(engine, formula, outside):
    x = np.append(np.linspace(0.1, 0.9, 20), outside)
    expression = parse(formula, ["x"])
    y = np.append(expression.evaluate(x[None, :-1]), 0.5)
    space = SearchSpace(operators=tuple(expression.operators), max_complexity=4, max_depth=2)
    found = engine.evolve(Problem(Dataset.from_arrays({"x": x}, y), space), Budget(evaluations=300), seed=1,
                          start=[expression])  # fmt: skip
    for candidate in found.archive:
        assert np.all(np.isfinite(candidate.expression.evaluate(x[None])))


@pytest.mark.parametrize(
    "extra",
    [{}, {"weights": np.linspace(0.1, 3, 60)}, {"sigma": np.linspace(0.05, 0.4, 60)},
     {"weights": np.arange(60.0) % 3, "sigma": np.linspace(0.05, 0.4, 60)}],
    ids=["plain", "weights", "sigma", "both"],
)  # fmt: skip
def test_a_reported_loss_is_the_loss_of_the_formula(engine, extra):
    problem = Problem(table(**extra))
    found = engine.evolve(problem, SMALL, seed=3)
    assert len(found.front) > 3
    for candidate in found.archive:
        assert candidate.loss == pytest.approx(reference_loss(candidate.expression, problem), rel=1e-9)
        assert candidate.complexity == problem.space.complexity.of(candidate.expression)


def test_the_loss_is_of_all_rows_also_where_the_search_saw_some(engine):
    problem = Problem(table(n=20_000))
    found = engine.evolve(problem, SMALL, seed=3)
    for candidate in found.front:
        assert candidate.loss == pytest.approx(reference_loss(candidate.expression, problem), rel=1e-9)


def test_a_row_of_weight_zero_does_not_count(engine):
    clean = table()
    X, y = clean.X.copy(), clean.y.copy()
    X[:, :5], y[:5] = -1e3, 1e9  # log and sqrt have no value there
    weights = np.ones(60)
    weights[:5] = 0
    spoilt = Dataset.from_arrays(dict(zip("ab", X, strict=True)), y, weights=weights)
    rest = Dataset.from_arrays(dict(zip("ab", clean.X[:, 5:], strict=True)), clean.y[5:])
    found = engine.evolve(Problem(spoilt), SMALL, seed=2)
    wanted = engine.evolve(Problem(rest), SMALL, seed=2)
    assert [c.expression for c in found.front] == [c.expression for c in wanted.front]


def test_weights_pull_the_constants(engine):
    x = np.linspace(1, 2, 20)
    y = np.where(x < 1.5, 2 * x, 3 * x)
    space = SearchSpace(operators="*", max_complexity=4)
    slopes = []
    for weights in (np.where(x < 1.5, 1.0, 1e-9), np.where(x < 1.5, 1e-9, 1.0)):
        problem = Problem(Dataset.from_arrays({"x": x}, y, weights=weights), space)
        best = engine.evolve(problem, SMALL, seed=1).front[-1].expression
        slopes.append(best.evaluate([[1.0]])[0])
    assert slopes == pytest.approx([2.0, 3.0], rel=1e-6)


def test_one_seed_gives_one_front_on_any_number_of_threads(make_engine):
    problem = Problem(table())
    fronts = [
        [program(c) for c in make_engine(threads).evolve(problem, Budget(evaluations=60_000), seed=5).archive]
        for threads in (1, 2, 4)
    ]
    assert fronts[0] == fronts[1] == fronts[2]
    again = make_engine(2).evolve(problem, Budget(evaluations=60_000), seed=5)
    assert [program(c) for c in again.archive] == fronts[0]


def test_another_seed_searches_elsewhere(engine):
    problem = Problem(table())
    one, other = (engine.evolve(problem, SMALL, seed=seed) for seed in (1, 2))
    assert [program(c) for c in one.archive] != [program(c) for c in other.archive]


def test_the_front_is_a_front(engine):
    found = engine.evolve(Problem(table()), Budget(evaluations=20_000), seed=1)
    complexities, losses = ([getattr(c, what) for c in found.front] for what in ("complexity", "loss"))
    assert complexities == sorted(set(complexities))
    assert losses == sorted(set(losses), reverse=True)
    assert set(found.front) <= set(found.archive)
    for other in found.archive:
        assert any(c.complexity <= other.complexity and c.loss <= other.loss for c in found.front)
    assert pareto(found.archive) == found.front


def test_the_search_space_is_kept_to(engine):
    space = SearchSpace(
        operators="+ * sin",
        max_complexity=12,
        max_depth=4,
        max_constants=2,
        complexity_of_operators={"sin": 3},
    )
    found = engine.evolve(Problem(table(), space), Budget(evaluations=20_000), seed=1)
    for candidate in found.archive:
        e = candidate.expression
        assert e.operators <= {"add", "mul", "sin"}
        assert candidate.complexity <= 12
        assert e.depth <= 4
        assert e.n_constants <= 2
    cost = len(found.front[-1].expression)
    assert found.front[-1].complexity >= cost  # constants and sin cost more than one


def test_custom_operators_are_searched_expanded(engine):
    x = np.linspace(-2, 2, 50)
    space = SearchSpace(operators="+ *", custom_operators="gauss(u) = exp(-u**2)", max_complexity=10)
    found = engine.evolve(Problem(Dataset.from_arrays({"x": x}, 3 * np.exp(-(x**2))), space), SMALL, seed=1)
    best = found.front[-1]
    assert best.loss < 1e-20
    assert {"exp", "square"} <= best.expression.operators


def test_constants_that_are_pure_numbers_give_nothing_a_unit(engine):
    rng = np.random.default_rng(1)
    length, t = rng.uniform(1, 3, 60), rng.uniform(1, 3, 60)
    data = Dataset.from_arrays(
        {"l": length, "t": t}, 2.37 * length / t, units={"l": "m", "t": "s", "y": "m/s"}
    )
    space = SearchSpace(operators="+ - * /")
    pure = Problem(data, space, Objective(constants="dimensionless"))
    found = engine.evolve(pure, Budget(evaluations=20_000), seed=1).front
    assert found
    assert all(pure.dimension_report(c.expression).holds for c in found)
    assert found[-1].loss < 1e-20
    free = engine.evolve(Problem(data, space), Budget(evaluations=20_000), seed=1).front
    assert not all(pure.dimension_report(c.expression).holds for c in free)


def test_units_are_obeyed_or_ignored_as_asked(engine):
    rng = np.random.default_rng(1)
    m, v = rng.uniform(1, 5, 40), rng.uniform(1, 5, 40)
    data = Dataset.from_arrays({"m": m, "v": v}, 0.5 * m * v**2 + m, target="E",
                               units={"m": "kg", "v": "m/s", "E": "J"})  # fmt: skip
    dimensions = [column.unit.dimension for column in (*data.features, data.target)]

    def right(candidate):
        return check_dimensions(candidate.expression, dimensions[:-1], dimensions[-1]).holds

    strict = engine.evolve(Problem(data), Budget(evaluations=20_000), seed=1)
    loose = engine.evolve(
        Problem(data, objective=Objective(units="ignore")), Budget(evaluations=20_000), seed=1
    )
    assert strict.front
    assert all(map(right, strict.archive))
    assert not all(map(right, loose.archive))


def test_a_budget_in_evaluations_is_kept(engine):
    found = engine.evolve(Problem(table()), Budget(evaluations=20_000), seed=1)
    assert found.stopped == "evaluations"
    assert 20_000 <= found.evaluations < 25_000
    assert found.node_evaluations > found.evaluations * 60


def test_a_budget_in_seconds_ends_a_search_that_would_never_end(engine):
    found = engine.evolve(Problem(table()), Budget(seconds=0.3, evaluations=10**12), seed=1)
    assert found.stopped == "seconds"
    assert found.front


def test_a_loss_that_is_good_enough_ends_the_search(engine):
    found = engine.evolve(Problem(table()), Budget(evaluations=10**9, target_loss=1e-2), seed=1)
    assert found.stopped == "target"
    assert found.front[-1].loss <= 1e-2


def test_a_law_without_residuals_ends_the_search(engine):
    x = np.linspace(1, 3, 50)
    found = engine.evolve(Problem(Dataset.from_arrays({"x": x}, x**2 + x)), Budget(evaluations=10**9), seed=1)
    assert found.stopped == "target"


def test_a_formula_as_long_as_the_table_ends_nothing(engine):
    rng = np.random.default_rng(0)  # four points of noise can be hit, but that is no law
    data = Dataset.from_arrays({"x": np.arange(4.0)}, rng.normal(size=4))
    assert engine.evolve(Problem(data), Budget(evaluations=50_000), seed=1).stopped == "evaluations"


def test_a_search_without_an_end_is_refused(engine):
    with pytest.raises(ConfigError, match=r"seconds, evaluations"):
        engine.evolve(Problem(table()), Budget(), seed=1)


def test_the_callback_sees_progress_and_ends_the_search(engine):
    seen = []

    def enough(progress):
        seen.append(progress)
        return progress.evaluations > 5000

    found = engine.evolve(Problem(table()), Budget(evaluations=10**9), seed=1, on_progress=enough)
    assert found.stopped == "interrupted"
    assert found.front
    assert seen[-1].evaluations > 5000
    assert [p.evaluations for p in seen] == sorted(p.evaluations for p in seen)
    assert all(p.fraction is not None and 0 <= p.fraction <= 1 for p in seen)


def test_ctrl_c_keeps_what_was_found(engine):
    pressed = []

    def press_once(progress):
        if progress.evaluations > 5000 and not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    found = engine.evolve(Problem(table()), Budget(evaluations=10**9), seed=1, on_progress=press_once)
    assert found.stopped == "interrupted"
    assert found.front


def test_a_start_formula_is_kept_and_fitted(engine):
    problem = Problem(table())
    start = parse("1.5*a**2 + sin(b)", ["a", "b"])
    found = engine.evolve(problem, Budget(evaluations=100), seed=1, start=[start])
    complexity = problem.space.complexity.of(start)
    assert min(c.loss for c in found.front if c.complexity <= complexity) < 2e-4


def test_a_start_formula_outside_the_space_is_refused_by_name(engine):
    with pytest.raises(ConfigError, match=r"tan\(a\)"):
        engine.evolve(Problem(table()), SMALL, seed=1, start=[parse("tan(a)", ["a", "b"])])


def test_a_search_goes_on_from_its_state(engine):
    problem = Problem(table())
    first = engine.evolve(problem, Budget(evaluations=10_000), seed=1)
    second = engine.evolve(problem, Budget(evaluations=10_000), seed=1, state=first.state)
    assert 10_000 <= second.evaluations < 15_000
    assert second.front[-1].loss <= first.front[-1].loss
    repeated = engine.evolve(problem, Budget(evaluations=10_000), seed=99, state=first.state)
    assert [program(c) for c in repeated.archive] == [program(c) for c in second.archive]


def test_the_state_of_another_search_is_refused(engine):
    first = engine.evolve(Problem(table()), Budget(evaluations=1000), seed=1)
    other = Problem(table(), SearchSpace(max_complexity=9))
    with pytest.raises(EngineError, match="another search"):
        engine.evolve(other, Budget(evaluations=1000), seed=1, state=first.state)
