"""Compiled values, derivatives and fits against NumPy, finite differences and closed forms."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balmer.expressions import OPERATORS, apply, constant, literal, parse, variable
from balmer.kernels import evaluate, fit, generate, jit, losses
from strategies import expressions, rows

SPECIAL = [
    np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e8,
    -1e8,
    1e-310,
    -1e-310,
    1e300,
    -1e300,
    709.9,
    -745.5,
]
UNARY = [op.name for op in OPERATORS.values() if op.arity == 1]
BINARY = [op.name for op in OPERATORS.values() if op.arity == 2]


def ulps(found, wanted):
    """Distance in units of the last place; 0 where both are NaN or the same infinity."""
    with np.errstate(all="ignore"):
        distance = np.abs(found - wanted) / np.spacing(np.maximum(np.abs(wanted), 2.3e-308))
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))


def test_stale_machine_code_is_dropped_by_whichever_process_comes_first(tmp_path):
    for source in ("expressions/operators.py", "kernels/batch.py", "engines/embedded/probing/fit.py"):
        (tmp_path / source).parent.mkdir(parents=True)
        (tmp_path / source).touch()
    cache = tmp_path / "kernels" / "__pycache__"
    cache.mkdir()
    (cache / "gone.nbi").symlink_to(cache / "nowhere")  # was there when the other process looked
    for name, age in (("old.nbi", 100), ("new.nbi", -100)):
        (cache / name).touch()
        now = (tmp_path / "kernels" / "batch.py").stat().st_mtime
        os.utime(cache / name, (now - age, now - age))
    jit._forget_stale(tmp_path)
    assert not (cache / "old.nbi").exists()
    assert (cache / "new.nbi").exists()


def test_the_loops_are_those_of_the_table():
    for target, text in (
        (generate.TARGET, generate.source()),
        (generate.TARGET32, generate.source32()),
        (generate.PAIRS_TARGET, generate.pairs_source()),
    ):
        assert target.read_text(encoding="utf-8") == text, (
            "the operator table changed: run python -m balmer.kernels.generate"
        )


@pytest.mark.parametrize("name", UNARY)
def test_a_function_has_the_values_and_the_domain_of_numpy(name):
    x = np.concatenate(
        [SPECIAL, np.linspace(-750, 750, 2001), np.linspace(-3, 3, 4001), np.geomspace(1e-300, 1e5, 500)]
    )
    with np.errstate(all="ignore"):
        wanted = np.asarray(OPERATORS[name].numpy(x))
    found = evaluate(apply(name, variable(0)), x[None])
    # log(exp(x) - 1) crosses zero at log 2, where any rounding of its argument counts for more.
    assert ulps(found, wanted).max() <= (16 if name == "logexpm1" else 4 if name != "cbrt" else 30)


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_operator_has_the_values_and_the_domain_of_numpy(name):
    a, b = (
        grid.ravel() for grid in np.meshgrid([*SPECIAL, 2.5, -3.0, 8.0], [*SPECIAL, 0.5, 3.0, -2.0, 1 / 3])
    )
    with np.errstate(all="ignore"):
        wanted = np.asarray(OPERATORS[name].numpy(a, b))
    found = evaluate(apply(name, variable(0), variable(1)), np.array([a, b]))
    assert ulps(found, wanted).max() <= 1


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_beyond_the_fast_range_keep_their_digits(name):
    x = np.array([1e5, 1.1e5, 1e8, 1e15, 1e22, -3e12])
    assert ulps(evaluate(apply(name, variable(0)), x[None]), OPERATORS[name].numpy(x)).max() <= 1


@given(expressions(n_features=3, max_leaves=10), rows(3, n_rows=11))
@settings(max_examples=200)
def test_compiled_and_numpy_evaluation_agree(expression, X):
    found, wanted = evaluate(expression, X), expression.evaluate(X)
    # A formula may amplify the last digit; where the two differ, shifting its inputs by that digit must differ too.
    nudged = expression.evaluate(np.nextafter(X, np.inf))
    with np.errstate(all="ignore"):
        slack = 1e-9 * np.abs(wanted) + 1e3 * np.abs(nudged - wanted) + 1e-290
        close = np.abs(found - wanted) <= slack
    assert np.all(close | (found == wanted) | (np.isnan(found) & np.isnan(wanted)) | ~np.isfinite(slack))


@pytest.mark.parametrize("n_rows", [1, 7, 8, 255, 256, 257, 1000])
def test_every_row_is_evaluated_wherever_the_blocks_end(n_rows):
    X = np.arange(2.0 * n_rows).reshape(2, n_rows)
    np.testing.assert_array_equal(evaluate(parse("x0*x1 + 1", ["x0", "x1"]), X), X[0] * X[1] + 1)


def test_filling_up_the_last_block_cannot_make_a_loss_nan():
    X = np.linspace(1, 2, 9)[None]  # the other 7 rows of the last block are filled
    y = np.log(X[0])
    assert losses([parse("log(x)", ["x"])], X, y, np.full(9, 1 / 9))[0] < 1e-30


def test_the_loss_is_the_weighted_sum_of_squares():
    rng = np.random.default_rng(1)
    X, y, w = rng.normal(size=(2, 777)), rng.normal(size=777), rng.uniform(0.1, 2, 777)
    found = losses([parse("a - 2*b", ["a", "b"]), parse("log(a)", ["a", "b"])], X, y, w)
    assert found[0] == pytest.approx(np.sum(w * (X[0] - 2 * X[1] - y) ** 2), rel=1e-13)
    assert found[1] == np.inf  # not a number in some row


@pytest.mark.parametrize("name", UNARY)
def test_derivatives_lead_to_the_constant_that_made_the_data(name):
    inside = {"asin": (0.1, 0.6), "acos": (0.1, 0.6), "tan": (0.1, 1.0), "tanh": (0.1, 1.5)}.get(
        name, (0.5, 2.5)
    )
    X = np.linspace(*inside, 50)[None]
    truth = constant(1.3) * apply(name, constant(0.9) * variable(0)) + constant(0.2)
    degenerate = name in ("neg", "abs", "inv", "square", "cube", "sqrt", "cbrt", "log")
    if degenerate:  # the inner constant only scales or shifts the outer one
        truth = constant(1.3) * apply(name, variable(0) + constant(0.4)) + constant(0.2)
        if name in ("neg", "abs"):
            truth = constant(1.3) * apply(name, variable(0)) + constant(0.2)
    y = truth.evaluate(X)
    start = truth.with_constants(truth.constants * 1.05)
    found = fit(start, X, y, np.full(50, 1 / 50), max_steps=500)
    np.testing.assert_allclose(found.expression.constants, truth.constants, rtol=1e-5)


@pytest.mark.parametrize("reach", [1, 30])
def test_exponents_are_fitted_wherever_the_bases_lie(reach):
    X = np.exp(np.random.default_rng(4).uniform(-reach, reach, (1, 700)))
    truth = apply("pow", variable(0) + constant(0.3), constant(-1.7)) + apply(
        "pow", variable(0), constant(0.4)
    ) * constant(1.3)
    y = truth.evaluate(X)
    start = truth.with_constants(truth.constants * [1.02, 0.99, 1.01, 1.05])
    found = fit(start, X, y, 1 / y**2 / 700, max_steps=500)
    np.testing.assert_allclose(found.expression.constants, truth.constants, rtol=1e-9)


def test_a_base_of_zero_takes_no_part_in_the_fit_of_its_exponent():
    X = np.array([[0.0, 1.0, 2.0, 3.0, 4.0]])
    truth = apply("pow", variable(0), constant(1.5)) * constant(2.0)
    found = fit(truth.with_constants(np.array([1.2, 1.0])), X, truth.evaluate(X), np.full(5, 0.2))
    np.testing.assert_allclose(found.expression.constants, truth.constants, rtol=1e-9)


def test_the_exponent_of_a_negative_base_stays_whole():
    X = np.array([[-1.0, 1.0, 2.0]])
    model = apply("pow", variable(0), constant(2.0)) + constant(0.0)
    found = fit(model, X, X[0] ** 2 + 1, np.ones(3))
    np.testing.assert_allclose(found.expression.constants, [2.0, 1.0], rtol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=50)
def test_a_linear_fit_is_least_squares(seed):
    rng = np.random.default_rng(seed)
    X, y, w = rng.normal(size=(2, 40)), rng.normal(size=40), rng.uniform(0.5, 2, 40)
    model = constant(1.0) * variable(0) + constant(1.0) * variable(1) + constant(1.0)
    found = fit(model, X, y, w)
    design = np.vstack([X, np.ones(40)]) * np.sqrt(w)
    wanted, rest, *_ = np.linalg.lstsq(design.T, y * np.sqrt(w), rcond=None)
    np.testing.assert_allclose(found.expression.constants, wanted, rtol=1e-7, atol=1e-9)
    assert found.loss == pytest.approx(rest[0], rel=1e-10)
    np.testing.assert_allclose(found.normal, design @ design.T, rtol=1e-12, atol=1e-12)


def test_literals_are_not_fitted():
    X = np.linspace(1, 2, 20)[None]
    found = fit(constant(1.0) * apply("pow", variable(0), literal(2.0)), X, X[0] ** 2.5, np.ones(20))
    assert found.expression.n_constants == 1
    assert found.expression.values[2] == 2.0


def test_a_constant_without_effect_stays_and_does_no_harm():
    X = np.linspace(1, 2, 20)[None]
    model = constant(2.0) * variable(0) + literal(0.0) * constant(5.0)
    found = fit(model, X, 3 * X[0], np.full(20, 0.05))
    np.testing.assert_allclose(found.expression.constants, [3.0, 5.0])


def test_a_start_outside_the_domain_gives_an_infinite_loss():
    X = np.linspace(1, 2, 20)[None]
    assert fit(apply("log", variable(0) - constant(5.0)), X, X[0], np.ones(20)).loss == np.inf


@pytest.mark.parametrize("rows", [50, 3000])
def test_rows_in_which_a_part_overflows_harmlessly_do_not_spoil_a_fit(rows):
    x = np.geomspace(0.01, 5000.0, rows)  # exp(x) is infinite from 710 on, and 2/(exp(x) - 1) is 0
    with np.errstate(over="ignore"):
        y = 2.0 / np.expm1(x)
    found = fit(parse("1.5/(exp(0.9*x) - 1)", ["x"]), x[None], y, np.full(rows, 1.0 / rows))
    assert found.expression.constants == pytest.approx([2.0, 0.9 / 0.9], rel=1e-9)


def test_a_derivative_that_is_infinite_still_ends_a_fit():
    x = np.linspace(0.0, 1.0, 20)
    found = fit(parse("sqrt(0.0*x)", ["x"]), x[None], x, np.full(20, 0.05))
    assert not np.isfinite(found.loss)
