"""The estimator keeps scikit-learn's rules, honours every parameter, and finds the law."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rich.progress
import sympy
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import balmer.sklearn
from balmer.engines import Budget, Evolution, Problem
from balmer.engines.embedded import EmbeddedEngine
from balmer.errors import ConfigError, DataError, UnitError
from balmer.expressions import Complexity, CustomOperator, check_dimensions
from balmer.search import Law
from balmer.sklearn import SymbolicRegressor

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 3.0, size=(60, 2))
PARABOLA = 2.5 * X[:, 0] ** 2 + X[:, 1]
NOISY = PARABOLA + 0.3 * RNG.normal(size=len(X))
QUICK: dict[str, Any] = {"binary_operators": ["+", "*"], "max_evals": 4000, "maxsize": 12, "random_state": 0}


def quick(**parameters: Any) -> SymbolicRegressor:
    return SymbolicRegressor(**{**QUICK, **parameters})


def formulas(model: SymbolicRegressor) -> list[str]:
    return [law.text(None) for law in model.front_]


@parametrize_with_checks([SymbolicRegressor(max_evals=2_000)])
def test_scikit_learn_checks(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def test_finds_the_law() -> None:
    model = quick().fit(X, PARABOLA)
    x0, x1 = sympy.symbols("x0 x1")
    assert sympy.simplify(model.sympy() - (sympy.Rational(5, 2) * x0**2 + x1)) == 0
    assert model.score(X, PARABOLA) == pytest.approx(1.0)
    new = np.array([[10.0, 1.0]])
    np.testing.assert_allclose(model.predict(new), [251.0])


def test_the_table_has_a_row_per_law_and_marks_the_chosen() -> None:
    model = quick().fit(X, NOISY)
    table = model.equations_
    assert list(table.complexity) == [law.complexity for law in model.front_]
    assert np.flatnonzero(table.chosen).tolist() == [model.front_.best_index]
    assert model.get_best().formula == model.front_.best.text()
    assert model.law() is model.front_.best
    for index, law in enumerate(model.front_):
        np.testing.assert_array_equal(model.predict(X, index=index), law.predict(X))
        assert model.get_best(index).formula == law.text()
        assert model.sympy(index) == law.sympy()
    assert model.latex(0) == model.front_[0].expression.latex(("x0", "x1"), 3)
    with pytest.raises(ConfigError, match="one row number"):
        model.predict(X, index=[0])


@pytest.mark.parametrize(
    ("selection", "criterion"),
    [
        ("best", lambda law: law.score.description_length),
        ("bic", lambda law: law.score.bic),
        ("accuracy", lambda law: law.loss),
    ],
)
def test_model_selection_takes_the_smallest(selection: str, criterion: Callable[[Any], float]) -> None:
    model = quick(model_selection=selection).fit(X, NOISY)
    assert criterion(model.law()) == min(criterion(law) for law in model.front_)
    np.testing.assert_array_equal(model.predict(X), model.law().predict(X))


def test_model_selection_may_change_after_the_fit() -> None:
    model = quick(maxsize=16).fit(X, NOISY)
    assert model.law() is not model.front_[-1]
    model.set_params(model_selection="accuracy")
    assert model.law() is model.front_[-1]
    assert model.equations_.chosen.iloc[-1]


# Weights


def test_the_weighted_rows_make_the_law() -> None:
    y = np.where(np.arange(len(X)) % 2, 3.0, 2.0) * X[:, 0]
    odd = np.where(np.arange(len(X)) % 2, 1.0, 1e-9)
    assert quick().fit(X, y, odd).predict([[1.0, 1.0]]) == pytest.approx(3.0, rel=1e-4)
    assert quick().fit(X, y, 1.0 + 1e-9 - odd).predict([[1.0, 1.0]]) == pytest.approx(2.0, rel=1e-4)


def test_a_row_of_weight_zero_is_no_row() -> None:
    rows = RNG.random(len(X)) < 0.7
    weights = np.where(rows, RNG.uniform(1, 2, len(X)), 0.0)
    y = np.where(rows, NOISY, 1e6)
    with_zeros = quick().fit(X, y, weights)
    assert formulas(with_zeros) == formulas(quick().fit(X[rows], NOISY[rows], weights[rows]))
    ones = quick().fit(X, y, rows.astype(float))
    assert formulas(ones) == formulas(quick().fit(X[rows], NOISY[rows]))
    assert formulas(ones) != formulas(with_zeros)


def test_weights_are_relative() -> None:
    weights = RNG.uniform(1, 2, len(X))
    assert formulas(quick().fit(X, NOISY, weights)) == formulas(quick().fit(X, NOISY, 1024 * weights))
    assert formulas(quick().fit(X, NOISY, weights)) != formulas(quick().fit(X, NOISY, weights[::-1]))
    assert formulas(quick().fit(X, NOISY, np.full(len(X), 0.3))) == formulas(quick().fit(X, NOISY))


def test_a_weight_is_a_repetition_to_the_constants() -> None:
    times = RNG.integers(0, 4, len(X))
    y = 2.3719 * X[:, 0] + 1.3187 + 1e-3 * RNG.normal(size=len(X))
    line = quick(maxsize=7)
    weighted = line.fit(X, y, times).predict(X)
    np.testing.assert_allclose(weighted, line.fit(X[times > 0], y[times > 0]).predict(X), rtol=1e-3)
    np.testing.assert_allclose(
        weighted, line.fit(X.repeat(times, axis=0), y.repeat(times)).predict(X), rtol=1e-9
    )
    assert not np.allclose(weighted, line.fit(X[times > 0], y[times > 0]).predict(X), rtol=1e-6)


def test_weights_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="egative"):
        quick().fit(X, NOISY, -np.ones(len(X)))
    with pytest.raises(ValueError, match="zero"):
        quick().fit(X, NOISY, np.zeros(len(X)))
    with pytest.raises(DataError, match="3 rows"):
        quick().fit(X, NOISY, np.arange(len(X)) < 3)


# Units and names


def test_units_forbid_what_is_dimensionally_wrong() -> None:
    y = X.sum(axis=1)
    free, held = quick().fit(X, y), quick().fit(X, y, X_units=["m", "s"], y_units="m")
    dimensions = held.discovery_.problem.dimensions

    def wrong(law: Law) -> bool:
        return not check_dimensions(law.expression, dimensions[:-1], dimensions[-1]).holds

    assert free.law().text() == "x0 + x1"
    assert wrong(free.law())
    assert held.equations_.units_hold.all()
    assert not any(wrong(law) for law in held.front_)
    np.testing.assert_allclose(held.predict(X), y)
    assert [str(constant.unit) for constant in held.law().constants] == ["m/s"]


@pytest.mark.parametrize(
    ("units", "error", "message"),
    [
        ({"X_units": ["m", "s"]}, ConfigError, "y_units: give a unit for each of y"),
        ({"y_units": "m"}, ConfigError, "X_units: give a unit for each of x0, x1"),
        ({"X_units": ["m"], "y_units": "m"}, ConfigError, "X_units: give a unit for each of x0, x1"),
        ({"X_units": ["m", None], "y_units": "m"}, ConfigError, "X_units: give a unit"),
        ({"X_units": ["m", "parsnips"], "y_units": "m"}, UnitError, "'x1': unknown unit"),
    ],
)
def test_units_that_cannot_be(units: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        quick().fit(X, NOISY, **units)


def test_where_no_law_of_the_columns_has_the_units_the_constant_is_left() -> None:
    law = quick(binary_operators=["+"]).fit(X, NOISY, X_units=["m", "m^2"], y_units="kg").law()
    assert law.expression.variables == ()  # a constant of the target's unit


def test_formulas_speak_of_the_columns() -> None:
    frame, period = pd.DataFrame(X, columns=["a", "T"]), pd.Series(PARABOLA, name="T")
    model = quick().fit(frame, period)
    assert model.feature_names_in_.tolist() == ["a", "T"]
    assert model.law().names == ("a", "T")
    assert model.law().target.name == "T_"
    np.testing.assert_allclose(model.predict(frame), period)
    assert quick().fit(frame, period.rename("P")).law().target.name == "P"
    assert quick().fit(X, PARABOLA, variable_names=["u", "v"]).law().names == ("u", "v")
    with pytest.raises(DataError, match="2 columns"):
        quick().fit(X, PARABOLA, variable_names=["u"])


# Targets


def test_several_targets_have_a_front_each() -> None:
    Y = pd.DataFrame({"p": PARABOLA, "q": np.full(len(X), 3.0), "r": X[:, 0] * X[:, 1]})
    model = quick().fit(X, Y, X_units=["m", "m^2"], y_units=["m^2", "kg", "m^3"])
    assert [front[0].target.name for front in model.front_] == ["p", "q", "r"]
    assert [str(front[0].target.unit) for front in model.front_] == ["m^2", "kg", "m^3"]
    assert len(model.equations_) == len(model.sympy()) == len(model.latex()) == len(model.get_best()) == 3
    np.testing.assert_allclose(model.predict(X), Y)
    np.testing.assert_array_equal(model.predict(X, index=[0, 0, 0])[:, 0], model.front_[0][0].predict(X))
    with pytest.raises(ConfigError, match="list of 3"):
        model.predict(X, index=1)
    alone = quick().fit(X, PARABOLA, X_units=["m", "m^2"], y_units="m^2")
    assert [law.text(None) for law in model.front_[0]] == formulas(alone)


def test_a_column_of_targets_is_one_target() -> None:
    assert formulas(quick().fit(X, NOISY[:, None])) == formulas(quick().fit(X, NOISY))


def test_a_constant_target_is_predicted_by_a_constant() -> None:
    model = quick().fit(X, np.full(len(X), 3.5), X_units=["m", "s"], y_units="kg")
    np.testing.assert_array_equal(model.predict(X[:3]), [3.5, 3.5, 3.5])
    assert len(model.equations_) == 1
    assert str(model.law().constants[0].unit) == "kg"
    assert model.discovery_ is None


def test_three_rows_are_no_data() -> None:
    for y in (NOISY[:3], np.ones(3)):
        with pytest.raises(ValueError, match=r"3 sample\(s\).* minimum of 4"):
            quick().fit(X[:3], y)


# The search space


def test_maxsize_and_maxdepth_bound_the_formulas() -> None:
    free = quick(max_evals=1000, maxsize=20).fit(X, NOISY)
    assert max(free.equations_.complexity) > 7
    assert max(law.expression.depth for law in free.front_) > 3
    assert max(quick(max_evals=1000, maxsize=7).fit(X, NOISY).equations_.complexity) <= 7
    shallow = quick(max_evals=1000, maxdepth=3).fit(X, NOISY)
    assert max(law.expression.depth for law in shallow.front_) <= 3


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ({"binary_operators": ["+", "mult"]}, {"add", "mul"}),
        ({"binary_operators": None, "unary_operators": ["cos"]}, {"add", "sub", "mul", "div", "cos"}),
        ({"unary_operators": ["square", "-"]}, {"add", "mul", "square", "neg"}),
        ({"unary_operators": ["inv(x) = 1/x"]}, {"add", "mul", "inv"}),
        ({"binary_operators": None, "operators": "- / sqrt"}, {"sub", "div", "sqrt"}),
        ({"binary_operators": None, "operators": ["-", "exp"]}, {"sub", "exp"}),
        ({"binary_operators": None, "operators": {1: ["log"], 2: ["^", "+"]}}, {"log", "pow", "add"}),
    ],
)
def test_operators_in_pysrs_spelling(parameters: dict[str, Any], allowed: set[str]) -> None:
    model = quick(max_evals=300, **parameters).fit(X, NOISY)
    assert model.discovery_.problem.space.allowed == allowed
    used = set().union(*(law.expression.operators for law in model.front_))
    assert used
    assert used <= allowed


@pytest.mark.parametrize(
    "gauss", ["gauss(x) = exp(-x^2)", CustomOperator("gauss", "exp(-x^2)")], ids=["text", "object"]
)
def test_custom_operators_are_searched(gauss: str | CustomOperator) -> None:
    model = quick(unary_operators=["neg", gauss], max_evals=10_000).fit(X, 2 * np.exp(-(X[:, 0] ** 2)))
    x0 = sympy.Symbol("x0")
    assert sympy.simplify(model.sympy() - 2 * sympy.exp(-(x0**2))) == 0


def test_costs_of_operators_constants_and_variables() -> None:
    costs = {"complexity_of_operators": {"*": 3, "plus": 2}, "complexity_of_constants": 4}
    model = quick(**costs, complexity_of_variables=5, maxsize=25).fit(X, NOISY)
    cost = Complexity({"mul": 3, "add": 2}, variable=5, constant=4)
    assert len(model.front_) > 2
    assert [cost.of(law.expression) for law in model.front_] == list(model.equations_.complexity)


# The search


def test_one_seed_gives_one_front() -> None:
    seeded = [formulas(quick(random_state=seed, max_evals=1000).fit(X, NOISY)) for seed in (1, 1, 2)]
    assert seeded[0] == seeded[1] != seeded[2]
    stream = np.random.RandomState(1)
    first = formulas(quick(random_state=stream, max_evals=1000).fit(X, NOISY))
    assert first == seeded[0]
    assert formulas(quick(random_state=stream, max_evals=1000).fit(X, NOISY)) != first


def test_the_search_ends_where_it_is_told() -> None:
    spent = quick(max_evals=1000).fit(X, NOISY).discovery_
    assert spent.stopped == "evaluations"
    assert 1000 <= spent.provenance["evaluations"] < 2000
    timed = quick(max_evals=None, timeout_in_seconds="0.2s").fit(X, NOISY).discovery_
    assert timed.stopped == "seconds"
    assert timed.provenance["budget"] == {"seconds": 0.2}
    enough = quick(max_evals=10_000_000, early_stop_condition=1.0).fit(X, NOISY)
    assert enough.discovery_.stopped == "target"
    assert enough.discovery_.provenance["evaluations"] < 1_000_000
    assert min(enough.equations_.loss) <= 1.0


def test_guesses_are_tried() -> None:
    y = np.sin(1.7 * X[:, 0] * X[:, 1]) / (X[:, 0] + X[:, 1])
    options = {"operators": "+ * / sin", "binary_operators": None, "max_evals": 32, "maxsize": 14}
    guess = "sin(1.5*x0*x1)/(x0 + x1)"
    helped = quick(**options, guesses=[guess]).fit(X, y)
    assert helped.law().origin == "start"
    assert helped.law().loss < 1e-20 < min(quick(**options).fit(X, y).equations_.loss)
    both = quick(**options, guesses=[[], [guess]]).fit(X, np.c_[NOISY, y])
    assert min(both.equations_[1].loss) < 1e-20
    with pytest.raises(ConfigError, match="for each of the 2 targets"):
        quick(**options, guesses=[guess]).fit(X, np.c_[NOISY, y])


def test_populations_are_as_large_as_asked() -> None:
    sizes = {"populations": 3, "population_size": 20, "warm_start": True}
    state = quick(**sizes).fit(X, NOISY).discovery_.state
    assert state["ops"].shape[:2] == (3, 20)
    strict = quick(**sizes, tournament_selection_n=15).fit(X, NOISY).discovery_.state
    mild = quick(**sizes, tournament_selection_n=1).fit(X, NOISY).discovery_.state
    strict_loss, mild_loss = (np.median(s["loss"][np.isfinite(s["loss"])]) for s in (strict, mild))
    assert strict_loss < mild_loss


def test_warm_start_goes_on_from_the_populations() -> None:
    cold = quick(max_evals=1000).fit(X, NOISY)
    model = quick(max_evals=1000, warm_start=True).fit(X, NOISY)
    assert formulas(model) == formulas(cold)
    before, births = min(model.equations_.loss), model.discovery_.state["counters"][:, 2]
    model.fit(X, NOISY)
    assert (model.discovery_.state["counters"][:, 2] > births).all()
    assert min(model.equations_.loss) <= before * (1 + 1e-9)
    assert formulas(cold.fit(X, NOISY)) == formulas(quick(max_evals=1000).fit(X, NOISY))
    assert not cold.discovery_.state


def test_warm_start_takes_formulas_to_other_rows() -> None:
    y = np.sin(1.7 * X[:, 0] * X[:, 1]) / (X[:, 0] + X[:, 1])
    options = {"operators": "+ * / sin", "binary_operators": None, "max_evals": 32, "maxsize": 14}
    model = quick(**options, guesses=["sin(1.5*x0*x1)/(x0 + x1)"], warm_start=True).fit(X[:30], y[:30])
    model.set_params(guesses=None)
    moved = np.sin(1.75 * X[30:, 0] * X[30:, 1]) / X[30:].sum(axis=1) + 1e-3 * NOISY[30:]
    model.fit(X[30:], moved)
    law = model.front_[-1]
    assert law.loss == pytest.approx(np.mean((law.predict(X[30:]) - moved) ** 2))
    assert law.loss < 1e-3 < min(quick(**options).fit(X[30:], moved).equations_.loss)
    state = model.discovery_.state["ops"]
    model.set_params(population_size=len(state[0]) // 2).fit(X[30:], moved)
    assert model.discovery_.state["ops"].shape[1] == len(state[0]) // 2
    assert min(model.equations_.loss) <= law.loss * (1 + 1e-9)
    model.fit(X[30:], moved, variable_names=["u", "v"])
    assert min(model.equations_.loss) > 1e-3


class Recording:
    """An engine of the user's own making."""

    name = "recording"

    def evolve(self, problem: Problem, budget: Budget, **options: Any) -> Evolution:
        return EmbeddedEngine(islands=2).evolve(problem, budget, **options)


def test_engine_and_threads_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    discover = balmer.sklearn.discover

    def spy(*arguments: Any, **options: Any) -> Any:
        seen.append(options)
        return discover(*arguments, **options)

    monkeypatch.setattr(balmer.sklearn, "discover", spy)
    model = quick(engine=Recording()).fit(X, NOISY)
    assert model.discovery_.provenance["engine"] == "recording"
    quick(procs=1).fit(X, NOISY)
    quick(procs=1, populations=5).fit(X, NOISY)
    assert seen[1]["threads"] == 1
    assert seen[2]["engine"] == EmbeddedEngine(threads=1, islands=5)
    with pytest.raises(ConfigError, match="populations belongs to the embedded engine"):
        quick(engine=Recording(), populations=5).fit(X, NOISY)


def test_it_is_silent_unless_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick().fit(X, NOISY)
    assert capsys.readouterr().out == ""
    model = quick(verbosity=1).fit(X, NOISY)
    assert repr(model.front_) in capsys.readouterr().out
    stages = []
    update = rich.progress.Progress.update

    def spy(bar: rich.progress.Progress, *task: Any, **shown: Any) -> None:
        stages.append(shown["description"])
        update(bar, *task, **shown)

    monkeypatch.setattr(rich.progress.Progress, "update", spy)
    quick(progress=True).fit(X, NOISY)
    assert "evolution" in stages
    assert stages[-1] == "refit"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"binary_operators": ["+", "plux"]}, "binary_operators: there is no operator 'plux'"),
        ({"binary_operators": ["+", "cos"]}, "binary_operators: 'cos' takes 1 argument, not 2"),
        ({"unary_operators": ["f(x, y) = x*y"]}, "unary_operators: .*takes 2 arguments, not 1"),
        ({"unary_operators": ["inv(x) = x"]}, "inv is an operator already"),
        ({"unary_operators": ["f(x) = y"]}, "custom operator f: .*'y'"),
        ({"operators": ["+"]}, "operators are given twice"),
        ({"binary_operators": 3}, "binary_operators = 3"),
        ({"binary_operators": [3]}, "binary_operators: 3 is no operator"),
        ({"maxsize": 0}, "maxsize = 0"),
        ({"maxdepth": "deep"}, "maxdepth = 'deep'"),
        ({"max_evals": 0}, "max_evals = 0"),
        ({"timeout_in_seconds": -1}, "timeout_in_seconds = -1"),
        ({"early_stop_condition": "f(l, c) = l < 1"}, "early_stop_condition = "),
        ({"complexity_of_operators": {"coz": 2}}, "complexity_of_operators = .*'coz'"),
        ({"complexity_of_constants": 0}, "complexity_of_constants = 0"),
        ({"model_selection": "score"}, "model_selection = 'score'"),
        ({"guesses": "x0"}, "guesses = 'x0'"),
        ({"guesses": ["x0 + x7"]}, "'x7'"),
        ({"populations": 0}, "populations = 0"),
        ({"procs": 0.5}, "procs = 0.5"),
    ],
)
def test_what_is_not_accepted_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        quick(**parameters).fit(X, NOISY)


# Among scikit-learn's own


def test_clones_and_pickles() -> None:
    model = quick(unary_operators=[CustomOperator("gauss", "exp(-x^2)"), "neg"]).fit(X, NOISY)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert repr(again.front_) == repr(model.front_)
    assert again.discovery_.provenance == model.discovery_.provenance
    assert len(pickle.dumps(model)) < 100_000
    fresh = clone(model)
    assert not hasattr(fresh, "front_")
    assert not hasattr(fresh, "equations_")
    assert formulas(fresh.fit(X, NOISY)) == formulas(model)


def test_in_a_pipeline() -> None:
    scaler = StandardScaler().fit(X)
    Z: NDArray[np.float64] = scaler.transform(X)
    y = Z[:, 0] * Z[:, 1] + 2.0
    model = make_pipeline(StandardScaler(), quick()).fit(X, y)
    assert model[-1].law().text() == "2 + x0*x1"
    np.testing.assert_allclose(model.predict(X), y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_a_grid_search(n_jobs: int) -> None:
    search = GridSearchCV(quick(procs=1), {"maxsize": [2, 12]}, cv=2, n_jobs=n_jobs).fit(X, PARABOLA)
    assert search.best_params_ == {"maxsize": 12}
    simple, full = search.cv_results_["mean_test_score"]
    assert simple < 0.9 < full


def test_balmer_alone_does_not_import_scikit_learn() -> None:
    program = "import sys, balmer; assert 'sklearn' not in sys.modules; import balmer.sklearn"
    subprocess.run([sys.executable, "-c", program], check=True)


# -- what a good law is ----------------------------------------------------------------------------------------------


def test_constraints_are_kept_to() -> None:
    model = quick(
        binary_operators=["+", "*", "^"],
        unary_operators=["sin"],
        constraints={"^": (1, 1), "sin": 3},
        nested_constraints={"sin": {"sin": 0}, "plus": {"mult": 1}},
        minsize=4,
        complexity_of_variables={"x1": 3},
        max_evals=10_000,
    ).fit(X, NOISY + np.sin(X[:, 1]))
    space = model.discovery_.problem.space
    assert space.argument_constraints == {"pow": (1, 1), "sin": (3,)}
    assert space.nested_constraints == {"sin": {"sin": 0}, "add": {"mul": 1}}
    assert space.complexity_of_variables == (1, 3)
    assert all(space.admits(law.expression) and law.complexity >= 4 for law in model.front_)


def mean_absolute(
    prediction: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    return float(np.sum(weights * np.abs(prediction - target)))


@pytest.mark.parametrize("loss", ["absolute", "abs(prediction - target)", mean_absolute])
def test_the_loss_is_the_one_asked_for(loss: Any) -> None:
    model = quick(loss=loss, engine="embedded").fit(X, NOISY)
    wanted = [np.mean(np.abs(model.predict(X, index=i) - NOISY)) for i in range(len(model.front_))]
    np.testing.assert_allclose(model.equations_.loss, wanted, rtol=1e-9)


def test_a_search_may_end_for_want_of_improvement_and_be_watched() -> None:
    seen: list[Any] = []
    model = quick(max_evals=10**8, maxsize=4, patience=20_000, progress=seen.append).fit(X, NOISY)
    assert model.discovery_.stopped == "patience"
    assert {p.stage for p in seen} >= {"power laws", "evolution", "refit"}
    assert quick(max_evals=10**8, progress=lambda p: p.evaluations > 500).fit(
        X, NOISY
    ).discovery_.stopped == ("interrupted")


def test_single_precision_is_of_the_search_alone() -> None:
    model = quick(precision=32, engine="embedded").fit(X, PARABOLA)
    assert model.front_.best.loss < 1e-20


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"constraints": {"sine": 3}}, r"constraints = .*no operator 'sine'"),
        ({"nested_constraints": {"sin": 3}}, r"nested_constraints = .*mapping of mappings"),
        ({"minsize": 20}, r"min_complexity = 20 is above max_complexity = 12"),
        ({"complexity_of_variables": {"x7": 3}}, r"no feature 'x7'; features are x0, x1"),
        ({"loss": "quadratic"}, r"loss = 'quadratic'"),
        ({"delta": 0.0}, r"delta = 0.0"),
        ({"patience": 0}, r"patience = 0"),
        ({"precision": 16}, r"precision = 16: accepted are 32 and 64"),
    ],
)
def test_a_goal_that_is_not_accepted_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        quick(**parameters).fit(X, NOISY)
