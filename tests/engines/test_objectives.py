"""Every loss is what it says, on every law that an engine or a search gives back."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from balmer import Dataset, Problem, discover, parse
from balmer.engines import Budget, Objective, SearchSpace
from balmer.engines.embedded import EmbeddedEngine
from balmer.engines.objective import LOSS_NAMES
from balmer.errors import ConfigError
from balmer.kernels.losses import KINDS

BUDGET = Budget(evaluations=6000)
SPACE = SearchSpace(operators="+ - * / exp", max_complexity=12, max_constants=3)


def table(seed=0, n=80, outliers=True, **more):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 3, (2, n))
    y = 2.5 * a + 1.7 * b + 0.05 * rng.normal(size=n)
    if outliers:
        y[::9] += 8
    return Dataset.from_arrays({"a": a, "b": b}, y, **more)


def trimmed(prediction, target, weights):
    return np.mean(np.sort((prediction - target) ** 2)[: int(0.8 * len(target))])


def weighed(prediction, target, weights):
    return np.sum(weights * (prediction - target) ** 2)


HUBER = lambda u, d: np.where(u <= d, u**2, 2 * d * u - d**2)  # noqa: E731
LOSSES = {
    "squared": lambda p, t, w, s: np.sum(w * ((p - t) / s) ** 2) / np.sum(w),
    "absolute": lambda p, t, w, s: np.sum(w * np.abs(p - t) / s) / np.sum(w),
    "huber": lambda p, t, w, s: np.sum(w * HUBER(np.abs(p - t) / s, 0.3)) / np.sum(w),
    "log-cosh": lambda p, t, w, s: np.sum(w * 2 * 0.09 * np.log(np.cosh((p - t) / s / 0.3))) / np.sum(w),
    "log(cosh(prediction - target))": lambda p, t, w, s: np.sum(w * np.log(np.cosh(p - t))) / np.sum(w),
    "weight**2*(prediction - target)**2/(1 + abs(target))":
        lambda p, t, w, s: np.sum(w**2 * (p - t) ** 2 / (1 + np.abs(t))) / np.sum(w),
    "abs(prediction - target)/(sigma + 0.1)": lambda p, t, w, s: np.sum(w * np.abs(p - t) / (s + 0.1)) / np.sum(w),
    trimmed: lambda p, t, w, s: trimmed(p, t, w),
    numba.njit(trimmed): lambda p, t, w, s: trimmed(p, t, w),
    weighed: lambda p, t, w, s: np.sum(w * ((p - t) / s) ** 2) / np.sum(w),
}  # fmt: skip
EXTRAS = {
    "plain": {},
    "weights": {"weights": np.arange(80.0) % 4},
    "sigma": {"sigma": np.linspace(0.2, 1.5, 80)},
    "both": {"weights": np.arange(80.0) % 4, "sigma": np.linspace(0.2, 1.5, 80)},
}


def reference(loss, expression, data):
    """The loss by its definition, from the user's columns alone."""
    weights = np.ones(data.n_rows) if data.weights is None else data.weights
    sigma = np.ones(data.n_rows) if data.sigma is None else data.sigma
    counts = weights > 0
    prediction = expression.evaluate(data.X)
    prediction = np.broadcast_to(prediction, data.y.shape)
    return LOSSES[loss](prediction[counts], data.y[counts], weights[counts], sigma[counts])


def named(loss):
    return loss if isinstance(loss, str) else ("numba " if hasattr(loss, "py_func") else "") + loss.__name__


def test_the_names_are_those_of_the_kernels():
    assert set(LOSS_NAMES) == set(KINDS)


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("loss", LOSSES, ids=named)
def test_a_reported_loss_is_the_loss_of_the_formula(loss, extra):
    data = table(**EXTRAS[extra])
    if isinstance(loss, str) and "sigma" in loss and data.sigma is None:
        with pytest.raises(ConfigError, match="speaks of sigma, but the data have no uncertainties"):
            Problem(data, objective=Objective(loss=loss))
        return
    problem = Problem(data, SPACE, Objective(loss=loss, delta=0.3))
    found = EmbeddedEngine(threads=2, islands=4).evolve(problem, Budget(evaluations=3000), seed=3)
    assert len(found.front) > 3
    for candidate in found.archive:
        assert candidate.loss == pytest.approx(reference(loss, candidate.expression, data), rel=1e-9)


@pytest.mark.parametrize(
    "loss", ["absolute", "huber", "abs(prediction - target)/(sigma + 0.1)", trimmed], ids=named
)
def test_the_loss_in_the_table_is_that_of_the_law(loss):
    data = table(n=3000, sigma=np.linspace(0.2, 1.5, 3000))  # the search sees a part of the rows
    found = discover(
        Problem(data, SPACE, Objective(loss=loss, delta=0.3)), evaluations=4000, seed=1, engine="embedded"
    )
    assert len(found.front) > 2
    for law in found.front:
        assert law.loss == pytest.approx(reference(loss, law.expression, data), rel=1e-9)
        assert np.isfinite(law.score.description_length)


@pytest.mark.parametrize(
    "loss", [*LOSS_NAMES[1:], "log(1 + (prediction - target)**2/0.01)", trimmed], ids=named
)
def test_a_robust_loss_finds_the_law_that_outliers_hide(loss):
    problem = Problem(table(), SPACE, Objective(loss=loss, delta=0.1))
    found = discover(problem, evaluations=20_000, seed=1, engine="embedded")
    truth = parse("2.5*a + 1.7*b", ["a", "b"])
    best = found.best.expression
    np.testing.assert_allclose(best.evaluate(problem.X), truth.evaluate(problem.X), atol=0.15)
    errors = [constant.error for constant in found.best.constants]
    assert errors
    assert all(0 < error < 0.1 for error in errors)


def test_one_seed_gives_one_front_on_any_number_of_threads():
    for loss in ("huber", "log(cosh(prediction - target))", numba.njit(trimmed)):
        problem = Problem(table(), SPACE, Objective(loss=loss))
        one, other = (EmbeddedEngine(threads=n).evolve(problem, BUDGET, seed=5) for n in (1, 2))
        assert one.archive == other.archive


def test_a_formula_equal_to_the_squared_loss_gives_the_same_laws():
    data = table(outliers=False)
    wanted, found = (
        discover(Problem(data, SPACE, Objective(loss=loss)), evaluations=6000, seed=1, engine="embedded").best
        for loss in ("squared", "(prediction - target)**2")
    )
    assert wanted.expression.n_constants == found.expression.n_constants
    assert found.loss == pytest.approx(wanted.loss, rel=1e-9)
    assert found.score.description_length == pytest.approx(wanted.score.description_length, rel=1e-6)
    errors = [[constant.error for constant in law.constants] for law in (found, wanted)]
    np.testing.assert_allclose(*errors, rtol=0.3)  # of the sandwich, which does not take the errors for equal


def test_a_failing_function_ends_the_search_with_a_sentence():
    calls = []

    def tired(prediction, target, weights):
        calls.append(1)
        if len(calls) > 500:
            raise RuntimeError("no more")
        return float(np.mean(np.abs(prediction - target)))

    problem = Problem(table(), SPACE, Objective(loss=tired))
    with pytest.raises(ConfigError, match="the loss function tired raised RuntimeError: no more"):
        EmbeddedEngine(threads=2).evolve(problem, Budget(evaluations=10**9), seed=1)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            "sqared",
            r"option loss = 'sqared'.*accepted are squared, absolute, huber, log-cosh, a formula of prediction",
        ),
        ("abs(target)", r"a loss is a formula of the prediction"),
        ("prediction - target", r"is negative where the prediction is"),
        ("(log(prediction) - log(target - 20))**2", r"has no value in row 1, where the target is"),
        ("(prediction - target)**2/sigma", r"the data have no uncertainties"),
        (3, r"option loss = 3: accepted are"),
        (lambda p, t, w: 1 / 0, r"raised ZeroDivisionError"),
        (lambda p, t, w: -1, r"a loss is 0 or more"),
    ],
)
def test_a_mistake_is_one_sentence(loss, message):
    with pytest.raises(ConfigError, match=message) as error:
        Problem(table(), objective=Objective.read({"loss": loss}))
    assert "\n" not in str(error.value)


def test_a_loss_obeys_units():
    units = {"a": "m", "b": "m", "y": "m"}
    for loss in (
        "(prediction - target)**2/target",
        "log(cosh((prediction - target)/0.5))",
        "abs(prediction/target - 1)",
    ):
        Problem(table(units=units), objective=Objective(loss=loss))
    with pytest.raises(ConfigError, match=r"dimensionally wrong.*cosh"):
        Problem(table(units=units), objective=Objective(loss="log(cosh(prediction - target))"))
    Problem(table(units=units), objective=Objective(loss="log(cosh(prediction - target))", units="ignore"))


@pytest.mark.parametrize("loss", ["absolute", "log(cosh(prediction - target))", trimmed], ids=named)
@pytest.mark.julia
def test_the_julia_engine_refuses_other_losses_by_name(loss):
    from balmer.engines.julia import JuliaEngine

    problem = Problem(table(), SPACE, Objective(loss=loss))
    with pytest.raises(ConfigError, match=r"loss = .* is not known to the Julia engine"):
        JuliaEngine(threads=2).evolve(problem, BUDGET, seed=1)
    with pytest.raises(ConfigError, match=r"precision = 'float32' is not known to the Julia engine"):
        discover(table(), evaluations=100, engine="julia", precision="float32")
    assert discover(problem, evaluations=100, seed=1).provenance["engine"] == "embedded"


def test_a_search_in_single_precision_gives_laws_in_double():
    data = table(outliers=False, n=500)
    problem = Problem(data, SearchSpace(operators="+ - * / exp", max_complexity=12))
    found = discover(problem, evaluations=20_000, seed=1, engine="embedded", precision="float32")
    for law in found.front:
        assert law.loss == pytest.approx(reference("squared", law.expression, data), rel=1e-12)
    wanted = discover(problem, evaluations=20_000, seed=1, engine="embedded")
    assert found.best.loss == pytest.approx(wanted.best.loss, rel=0.01)
    one, other = (
        EmbeddedEngine(threads=n, precision="float32").evolve(problem, BUDGET, seed=5) for n in (1, 2)
    )
    assert one.archive == other.archive


def test_what_single_precision_cannot_hold_is_said():
    data = Dataset.from_arrays({"x": [1e40, 2, 3, 4]}, [1.0, 2, 3, 5])
    with pytest.raises(
        ConfigError, match=r"precision = 'float32': the table 'data' has numbers above 3e\+38"
    ):
        discover(data, evaluations=100, engine="embedded", precision="float32")
    with pytest.raises(ConfigError, match=r"precision = 'half': accepted are 'float64', 'float32'"):
        discover(data, evaluations=100, engine="embedded", precision="half")
