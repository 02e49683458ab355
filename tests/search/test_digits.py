"""Tables with few digits: the law is found as it is, and not dressed until its rounding is fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from balmer import Dataset, discover
from balmer.engines import Objective, Problem, SearchSpace
from balmer.expressions import Expression, parse
from balmer.kernels import losses
from balmer.search.noise import growth_of_noise
from balmer.search.prune import shortened
from balmer.search.refine import refit

Floats = NDArray[np.float64]
OPERATORS = "+ - * / pow square sqrt exp log sin tanh"


def single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)


def seven_digits(values: Floats) -> Floats:
    return np.array([float(f"{v:.6e}") for v in values.ravel().tolist()]).reshape(values.shape)


def decades(rng: np.random.Generator, low: float, high: float, rows: int = 400) -> Floats:
    return np.exp(rng.uniform(np.log(low), np.log(high), rows))


def problem(columns: dict[str, Floats], y: Floats, **options: object) -> Problem:
    return Problem(
        Dataset.from_arrays(columns, y, target="f"),
        SearchSpace.read({"operators": OPERATORS}),
        Objective(**options),
    )


def is_exact(asked: Problem, formula: Expression) -> bool:
    loss = losses([formula], asked.columns, asked.y, asked.weights, loss=asked.loss)[0]
    return asked.is_exact(formula, float(loss))


@pytest.mark.parametrize("written", [single, seven_digits])
@pytest.mark.parametrize(
    ("formula", "longest"),
    [("3.1e-5*a/b", 6), ("0.7*a*b**2", 7), ("sqrt(a*b/c)", 6), ("2.5*a*b/c**2", 9)],
)
def test_laws_over_decades_come_out_clean(written: object, formula: str, longest: int) -> None:
    assert callable(written)
    rng = np.random.default_rng(5)
    columns = {"a": decades(rng, 1e-3, 1e-1), "b": decades(rng, 1e-2, 10), "c": decades(rng, 1, 100)}
    X = np.array(list(columns.values()))
    y = parse(formula, tuple(columns)).evaluate(X)
    found = discover(
        Dataset.from_arrays({k: written(x) for k, x in columns.items()}, written(y), target="f"),
        evaluations=20_000,
        operators=OPERATORS,
    )
    assert found.stopped == "target"
    assert found.front[-1] is found.best
    assert found.best.complexity <= longest
    assert np.allclose(found.best.expression.evaluate(X), y, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 2.0]), min_size=3, max_size=3),
    st.floats(-20, 20),
    st.sampled_from([single, seven_digits]),
)
def test_a_power_law_is_exact_to_its_digits_and_no_neighbour_is(
    seed: int, powers: list[float], exponent: float, written: object
) -> None:
    assert callable(written)
    rng = np.random.default_rng(seed)
    columns = {name: decades(rng, 0.01, 10) for name in "abc"}
    text = "*".join(f"{name}**({p!r})" for name, p in zip(columns, powers, strict=True))
    truth = parse(f"{10**exponent!r}*{text}", tuple(columns))
    y = truth.evaluate(np.array(list(columns.values())))
    asked = problem({k: written(x) for k, x in columns.items()}, written(y))
    assert is_exact(asked, truth)
    assert not is_exact(asked, truth.with_constants(truth.constants * (1 + 1e-4)))
    assert not is_exact(asked, truth * parse("1.0 + 1e-3*a", tuple(columns)))


def test_a_part_that_only_small_rows_show_is_not_taken_for_rounding() -> None:
    rng = np.random.default_rng(3)
    x = decades(rng, 1e-3, 1e3)
    asked = problem({"x": x}, single(2 * x**2 + 0.003))
    without, truth = (refit(parse(text, ["x"]), asked, "") for text in ("2.0*x**2", "2.0*x**2 + 0.003"))
    assert without.loss <= asked.noise_floor  # beside 10^6 the loss does not see 0.003
    assert not asked.is_exact(without.expression, without.loss)
    assert asked.is_exact(truth.expression, truth.loss)
    assert shortened(truth, asked).expression.n_constants == 2


def test_formulas_too_steep_for_the_digits_of_a_feature_are_not_excused() -> None:
    rng = np.random.default_rng(4)
    x, z = rng.uniform(1, 5, (2, 400))
    asked = problem({"x": single(x), "z": single(z)}, single(3 * x * z**2))
    wild = parse("40.0 + 40.0*sin(1e9*x)", ["x", "z"])
    assert not is_exact(asked, wild)
    assert asked.measure.floor_of(wild) < 1e-10 * asked.variance
    assert asked.measure.floor_of(parse("3.0*x*z**2", ["x", "z"])) > 2 * asked.noise_floor


def test_features_with_other_digits_were_chosen_and_are_exact() -> None:
    rng = np.random.default_rng(4)
    x = np.round(rng.uniform(1, 50, 400), 2)
    asked = problem({"x": x}, np.round(np.sqrt(x), 7))
    assert asked.measure.floor_of(parse("sqrt(x)", ["x"])) == asked.noise_floor == pytest.approx(25e-16)


def test_the_floor_is_half_a_unit_in_every_row() -> None:
    rng = np.random.default_rng(6)
    x = rng.uniform(1, 9, 300)
    weights = rng.uniform(0.5, 2, 300)
    y = np.round(np.exp(x), 4)
    data = Dataset.from_arrays({"x": x}, y, weights=weights)
    for loss, floor in (("squared", 0.25e-8), ("absolute", 0.5e-4), ("huber", 0.25e-8)):
        assert Problem(data, objective=Objective(loss=loss)).noise_floor == pytest.approx(floor)
    exact = Dataset.from_arrays({"x": x}, np.exp(x))
    assert Problem(exact).noise_floor == pytest.approx(1e-26 * np.mean(np.exp(x) ** 2))
    sigma = Dataset.from_arrays({"x": x}, y, sigma=np.full(300, 0.1))
    assert Problem(sigma).noise_floor == pytest.approx(0.25e-6)


def test_whole_numbers_have_no_floor_but_float64() -> None:
    n = np.arange(1.0, 60.0)
    counts = problem({"n": n}, n**3 + 2)
    assert counts.noise_floor == pytest.approx(1e-26 * np.mean((n**3 + 2) ** 2))


def test_rounding_that_grows_with_the_target_is_no_noise() -> None:
    rng = np.random.default_rng(8)
    x, z = decades(rng, 1, 100), decades(rng, 1, 100)
    asked = problem({"x": single(x), "z": single(z)}, single(x**2 * z**3))
    truth = refit(parse("1.0*x**2*z**3", ["x", "z"]), asked, "")
    assert truth.loss > asked.noise_floor
    assert growth_of_noise(truth.expression, asked) == 1.0


def test_a_law_with_a_pole_is_exact_though_the_rows_near_it_are_off() -> None:
    rng = np.random.default_rng(9)
    x, z = decades(rng, 1.001, 10), decades(rng, 0.1, 10)
    y = z / (x - 1)
    asked = problem({"x": single(x), "z": single(z)}, single(y))
    truth = parse("z/(x - 1)", ["x", "z"])
    assert refit(truth, asked, "").loss > 100 * asked.noise_floor
    assert is_exact(asked, truth)
    assert not is_exact(asked, parse("z/(x - 1.00001)", ["x", "z"]))
