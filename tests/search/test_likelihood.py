"""Losses as likelihoods: the criteria and errors of laws found with any of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

import balmer as bm
from balmer.engines import Objective
from balmer.search.likelihood import likelihood
from balmer.search.refine import covariance, refit

LINE = bm.parse("2.0*x + 1.0", ["x"])


def problem(noise, loss, sigma=None, **more):
    x = np.linspace(0, 4, len(noise))
    data = bm.Dataset.from_arrays({"x": x}, 2 * x + 1 + noise, sigma=sigma)
    return bm.Problem(data, objective=Objective(loss=loss, **more))


def density(loss, delta, s):
    rho = {
        "huber": lambda r: np.where(np.abs(r) < delta, r**2, 2 * delta * np.abs(r) - delta**2),
        "log-cosh": lambda r: 2 * delta**2 * np.log(np.cosh(r / delta)),
    }[loss]
    norm = integrate.quad(lambda r: np.exp(-rho(r) / (2 * s**2)), -60, 60, points=[-delta, delta], limit=400)[
        0
    ]
    return lambda r: np.exp(-rho(r) / (2 * s**2)) / norm


@pytest.mark.parametrize("delta", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("loss", ["huber", "log-cosh"])
def test_differences_of_the_criteria_are_those_of_the_likelihood(loss, delta):
    noise = np.random.default_rng(0).standard_t(3, 60)
    asked = problem(noise, loss, delta=delta)
    found = []
    for residual in (noise, 1.7 * noise):
        value = float(np.mean(asked.measure.of_rows(asked.y + residual)) * 60)
        mine = likelihood(value, asked)
        log_density = np.log(density(loss, delta, np.sqrt(mine.tau / 2))(residual))
        found.append((mine.twice_nll, -2 * log_density.sum()))
        for nearby in (0.98, 1.02):  # the scale is the likeliest
            other = np.log(density(loss, delta, nearby * np.sqrt(mine.tau / 2))(residual))
            assert other.sum() <= log_density.sum() + 1e-9
    (a, b), (c, d) = found
    assert c - a == pytest.approx(d - b, rel=1e-4)


def test_the_absolute_loss_is_laplaces_likelihood():
    noise = np.random.default_rng(0).laplace(size=50)
    found = likelihood(float(np.mean(np.abs(noise))), problem(noise, "absolute"))
    scale = np.mean(np.abs(noise))
    assert found.twice_nll == pytest.approx(
        -2 * stats.laplace(scale=scale).logpdf(noise).sum() - 100 * np.log(2) - 100
    )
    assert found.tau == pytest.approx(scale)


def test_a_loss_times_a_number_chooses_the_same_law():
    noise = np.random.default_rng(0).normal(size=60)
    lengths = []
    for loss in ("abs(prediction - target)**1.5", "7.0*abs(prediction - target)**1.5"):
        asked = problem(noise, loss)
        fits = [
            refit(bm.parse(text, ["x"]), asked, "")
            for text in ("2.0*x + 1.0", "2.0*x + 1.0 + 0.1*x**2", "3.0*x")
        ]
        lengths.append([fits[0].length - f.length for f in fits])
    np.testing.assert_allclose(*lengths, rtol=1e-4, atol=1e-4)


def trimmed(prediction, target, weights):
    return np.sum(np.sort(np.abs(prediction - target))[:-3] ** 2) / len(target)


@pytest.mark.parametrize(
    ("loss", "draw"),
    [
        ("absolute", lambda rng: rng.laplace(size=150)),
        ("huber", lambda rng: rng.standard_t(3, 150)),
        ("log-cosh", lambda rng: rng.standard_t(3, 150)),
        ("log(1 + (prediction - target)**2)", lambda rng: rng.standard_t(3, 150)),
        ("abs(prediction - target)**1.5", lambda rng: rng.normal(size=150)),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["", "sigma"])
def test_errors_of_constants_are_their_scatter(loss, draw, known):
    assert_scatter(loss, draw, known)


def test_of_a_function_too_where_all_rows_scatter_alike():
    assert_scatter(trimmed, lambda rng: rng.normal(size=150), False)


def assert_scatter(loss, draw, known):
    sigma = np.linspace(0.3, 1.2, 150) if known else None
    constants, errors = [], []
    for seed in range(80):
        noise = draw(np.random.default_rng(seed)) * (1.0 if sigma is None else sigma)
        asked = problem(noise, loss, sigma)
        found = refit(LINE, asked, "")
        constants.append(found.expression.constants)
        errors.append(np.sqrt(np.diag(covariance(found, asked))))
    np.testing.assert_allclose(np.median(errors, axis=0), np.std(constants, axis=0), rtol=0.3)
