"""Which of two laws is chosen: what noise can feign is not."""

from __future__ import annotations

import numpy as np
import pytest

from balmer import Dataset, Problem
from balmer.expressions import parse
from balmer.search.refine import refit


@pytest.mark.parametrize(("errors", "shifted"), [(0.5, False), (2.3, False), (6.0, True), (100.0, True)])
def test_a_constant_within_a_few_errors_of_zero_is_left_out(errors, shifted):
    n = 1000
    rng = np.random.default_rng(1)
    x = rng.uniform(1.0, 3.0, n)
    noise = rng.normal(size=n)
    noise = (noise - noise.mean()) / noise.std()
    problem = Problem(Dataset.from_arrays({"x": x}, -x + noise + errors / np.sqrt(n)))
    plain, moved = (refit(parse(text, ["x"]), problem, "test") for text in ("-1*x", "0.01 - x"))
    assert moved.loss <= plain.loss
    assert (moved.length < plain.length) == shifted


def test_a_constant_that_many_digits_fix_costs_its_digits():
    x = np.linspace(1.0, 3.0, 50)
    lengths = []
    for sigma in (1e-2, 1e-4, 1e-6):
        data = Dataset.from_arrays({"x": x}, 2.5371 * x, sigma=np.full(50, sigma))
        found = refit(parse("2.5*x", ["x"]), Problem(data), "test")
        lengths.append(found.length)
    assert np.diff(lengths) == pytest.approx([np.log(100)] * 2, rel=1e-3)
