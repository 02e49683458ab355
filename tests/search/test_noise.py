"""Noise that is not of one size, weights that count events, and what errors then hold."""

from __future__ import annotations

import numpy as np
import pytest

import balmer as bm
from balmer.engines import Objective
from balmer.search.likelihood import likelihood
from balmer.search.noise import growth_of_noise
from balmer.search.refine import covariance, law_of, refit

LINE = bm.parse("1.0 + 1.0*x", ["x"])


def line(seed, n=100, noise="equal"):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, n)
    y = 0.7 + 1.3 * x
    size = {"equal": 0.3, "relative": 0.1 * y}[noise]
    return x, y + size * rng.normal(size=n)


def problem(x, y, noise="constant", **more):
    return bm.Problem(
        bm.Dataset.from_arrays({"x": x}, y, target="y", **more), objective=Objective(noise=noise)
    )


# -- relative noise ----------------------------------------------------------------------------------------


def test_relative_noise_weighs_by_the_prediction():
    x, y = line(0, noise="relative")
    asked = problem(x, y, "relative")
    found = refit(LINE, asked, "")
    a, b = found.expression.constants
    f = a + b * x
    assert np.sum((y - f) / f**2) == pytest.approx(0.0, abs=1e-5)
    assert np.sum((y - f) * x / f**2) == pytest.approx(0.0, abs=1e-5)
    geometric = np.exp(2 * np.mean(np.log(np.abs(f / y))))
    assert found.loss == pytest.approx(geometric * np.mean((y / f - 1) ** 2), rel=1e-9)


def test_the_relative_loss_is_the_likelihood_of_relative_noise():
    x, y = line(1, noise="relative")
    asked = problem(x, y, "relative")
    found = [refit(bm.parse(t, ["x"]), asked, "") for t in ("1.0 + 1.0*x", "1.5*x + 0.5", "2.0 + 0.0*x")]

    def twice_nll(f):
        s = np.sqrt(np.mean((y / f - 1) ** 2))
        return np.sum(2 * np.log(s * np.abs(f)) + (y / f - 1) ** 2 / s**2)

    mine = [likelihood(r.loss, asked).twice_nll for r in found]
    true = [twice_nll(r.expression.evaluate(x[None])) for r in found]
    np.testing.assert_allclose(np.diff(mine), np.diff(true), atol=1e-6)


def test_forces_between_pairs_with_one_percent_of_noise():
    rng = np.random.default_rng(1)
    n = 300
    m0, m1 = rng.uniform(0.5, 5, (2, n))
    x, y = rng.uniform(-3, 3, (2, n))
    z = rng.uniform(0.2, 3, n)
    r = np.sqrt(x * x + y * y + z * z)
    force = 2.3 * m0 * m1 * x / r**3 * (1 + 0.01 * rng.normal(size=n))
    data = bm.Dataset.from_arrays({"m0": m0, "m1": m1, "x": x, "z": z, "r": r}, force, target="F")
    truth = 2.3 * m0 * m1 * x / r**3
    for noise in (None, "relative"):
        found = bm.discover(data, evaluations=60_000, seed=1, noise=noise)
        law = found.best
        ratio = law.predict(data) / truth
        assert np.ptp(ratio) < 1e-9, law  # no term beside the true one
        assert len(law.constants) == 1
        assert abs(law.constants[0].value - 2.3) < 4 * law.constants[0].error
        assert bool(found.notices) == (noise is None)
    assert "Breusch-Pagan" in bm.discover(data, evaluations=3_000, seed=1).notices[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": "relative", "objective": Objective(loss="absolute")}, "squared loss"),
        ({"noise": "sometimes"}, "option noise = 'sometimes'"),
        ({"noise": "relative", "objective": Objective(noise="relative")}, "given twice"),
    ],
)
def test_what_noise_cannot_be_is_one_sentence(options, message):
    x, y = line(0)
    with pytest.raises(bm.ConfigError, match=message):
        bm.discover(bm.Dataset.from_arrays({"x": x}, y), evaluations=10, **options)


def test_relative_noise_beside_uncertainties_is_refused():
    x, y = line(0)
    with pytest.raises(bm.ConfigError, match="uncertainties"):
        problem(x, y, "relative", sigma=np.full(len(x), 0.3))


def test_the_test_for_growing_noise_is_uniform_without_it_and_sees_it():
    chances = []
    for seed in range(300):
        asked = problem(*line(seed))
        chances.append(growth_of_noise(refit(LINE, asked, "").expression, asked))
    for level in (0.1, 0.3, 0.6):
        expected = 300 * level
        assert abs(np.sum(np.array(chances) < level) - expected) < 4 * np.sqrt(expected * (1 - level))
    asked = problem(*line(0, 300, "relative"))
    assert growth_of_noise(refit(LINE, asked, "").expression, asked) < 1e-3
    known = problem(*line(0, 300, "relative"), sigma=np.full(300, 0.3))
    assert growth_of_noise(refit(LINE, known, "").expression, known) == 1.0


# -- event weights -----------------------------------------------------------------------------------------


def test_negative_event_weights_solve_the_weighted_normal_equations():
    x, y = line(3)
    w = np.random.default_rng(0).exponential(size=len(x))
    w[::9] *= -1
    found = refit(LINE, problem(x, y, weights=w, weights_mean="events"), "")
    A = np.stack([np.ones_like(x), x])
    exact = np.linalg.solve((A * w) @ A.T, (A * w) @ y)
    np.testing.assert_allclose(found.expression.constants, exact, rtol=1e-6)


def test_events_count_as_many_as_say_the_same():
    x, y = line(3)
    w = np.random.default_rng(0).exponential(size=len(x))
    asked = problem(x, y, weights=w, weights_mean="events")
    assert asked.n_effective == pytest.approx(w.sum() ** 2 / np.sum(w**2))
    assert problem(x, y, weights=w).n_effective == len(x)
    doubled = problem(np.tile(x, 2), np.tile(y, 2), weights=np.full(2 * len(x), 0.5), weights_mean="events")
    assert doubled.n_effective == pytest.approx(2 * len(x))


@pytest.mark.parametrize(
    ("weights", "mean", "message"),
    [
        ([1.0, -1.0, 1.0, 1.0, 1.0], "precision", "row 2 holds -1.*--weights-mean events"),
        ([1.0, -9.0, 1.0, 1.0, 1.0], "events", "the sum of the event weights is -5"),
        ([1.0, 1.0, 1.0, 1.0, 1.0], "sizes", "accepted are 'precision' and 'events'"),
        (None, "events", "needs a column of weights"),
    ],
)
def test_weights_that_cannot_be_are_one_sentence(weights, mean, message):
    with pytest.raises(bm.BalmerError, match=message):
        bm.Dataset.from_arrays({"x": np.arange(5.0)}, np.arange(5.0) ** 2, weights=weights, weights_mean=mean)


def test_what_weights_mean_survives_another_target_and_a_file(tmp_path):
    x, y = line(3)
    w = np.random.default_rng(0).exponential(size=len(x))
    w[3] = -0.5
    data = bm.Dataset.from_arrays({"x": x, "z": y**2}, y, target="y", weights=w, weights_mean="events")
    assert data.with_target("z").weights_mean == "events"
    data.to_parquet(tmp_path / "events.parquet")
    again = bm.Dataset.from_parquet(tmp_path / "events.parquet", weights_mean="events")
    assert again.fingerprint == data.fingerprint
    with pytest.raises(bm.DataError, match="weights_mean='events'"):
        bm.Dataset.from_parquet(tmp_path / "events.parquet")


# -- what value +- error holds -----------------------------------------------------------------------------


def toy(kind, n, rng):
    a, b = rng.uniform(0.5, 2, 2)
    x = rng.uniform(0, 3, n)
    y, normal, more, noise = a + b * x, rng.normal(size=n), {}, "constant"
    if kind in ("proportional", "relative"):
        values = y * (1 + 0.2 * normal)
        noise = "relative" if kind == "relative" else noise
    elif kind == "heavy tails":
        values = y + 0.3 * rng.standard_t(3, n)
    elif kind == "precision":
        more["weights"] = rng.uniform(0.2, 3, n)
        values = y + 0.3 * normal / np.sqrt(more["weights"])
    elif kind == "events":
        more |= {"weights": rng.exponential(size=n), "weights_mean": "events"}
        values = y + 0.3 * normal
    elif kind == "events with sigma":
        more |= {"weights": rng.exponential(size=n), "weights_mean": "events", "sigma": np.full(n, 0.3)}
        values = y + 0.3 * normal
    else:
        more = {"sigma": np.full(n, 0.3)} if kind == "sigma" else {}
        values = y + 0.3 * normal
    asked = problem(x, values, noise, **more)
    law = law_of(refit(LINE, asked, ""), asked)
    return [(c.value - t) / c.error for c, t in zip(law.constants, (a, b), strict=True)]


KINDS = (
    "equal",
    "sigma",
    "proportional",
    "relative",
    "heavy tails",
    "precision",
    "events",
    "events with sigma",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [8, 60])
def test_value_and_error_hold_two_thirds(kind, n):
    rng = np.random.default_rng([KINDS.index(kind), n])
    pulls = np.abs([toy(kind, n, rng) for _ in range(200)])
    # Both constants of a toy are correlated: three binomial errors of 200 toys.
    assert abs(np.mean(pulls <= 1) - 0.683) < 3 * np.sqrt(0.683 * 0.317 / 200)


# -- declared likelihoods ----------------------------------------------------------------------------------

ENTROPY = "-(target*log(prediction) + (1 - target)*log(1 - prediction))"


def binary(n=400):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return x, (rng.random(n) < 1 / (1 + np.exp(-(1.3 * x - 0.4)))).astype(float)


def test_a_declared_likelihood_counts_as_what_it_is():
    x, t = binary()
    data = bm.Dataset.from_arrays({"x": x}, t, target="t")
    asked = bm.Problem(data, objective=Objective(loss=ENTROPY, likelihood=True))
    found = [refit(bm.parse(text, ["x"]), asked, "") for text in ("1/(1 + exp(0.4 - 1.3*x))", "0.5 + 0.0*x")]

    def twice_nll(p):
        return -2 * np.sum(t * np.log(p) + (1 - t) * np.log(1 - p))

    for r in found:
        assert likelihood(r.loss, asked).twice_nll == pytest.approx(
            twice_nll(r.expression.evaluate(x[None])), rel=1e-9
        )
    # The errors of a logistic regression are those of its information matrix.
    p = found[0].expression.evaluate(x[None])
    A = np.stack([np.ones_like(x), x])
    information = np.linalg.inv((A * p * (1 - p)) @ A.T)
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance(found[0], asked))), np.sqrt(np.diag(information)), rtol=0.02
    )


def test_zero_times_the_logarithm_of_zero_is_zero():
    t = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    data = bm.Dataset.from_arrays({"x": t}, np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0]), target="t")
    asked = bm.Problem(data, objective=Objective(loss=ENTROPY, likelihood=True))
    rows = asked.measure.of_rows(asked.X[0])
    assert np.all(rows[:5] == 0.0)
    assert rows[5] > 100 / 6  # impossible by this prediction
    assert np.isnan(asked.measure.of_rows(np.full(6, -0.1))).any()
    assert refit(bm.parse("x", ["x"]), asked, "").loss > 100
