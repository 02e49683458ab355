"""The judge of the benchmarks tells the true formula in any spelling from everything that merely looks like it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from balmer.expressions import parse
from balmer.kernels import fit

NAMES = ("x", "y", "t")
BOX = {"low": (1.0, 0.5, -2.0), "high": (3.0, 4.0, 2.0)}


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[Any]:
    """The modules of benchmarks/, which is no package."""
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        import families
        import judge

        yield type("Benchmarks", (), {"judge": judge, "families": families})
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def judged(benchmarks: Any) -> Iterator[Callable[..., Any]]:
    """Verdict on a text against the text of the truth."""
    with benchmarks.judge.Judge(seconds=5) as judge:

        def verdict(found: str, true: str, **noise: Any) -> Any:
            return judge(parse(found, NAMES), benchmarks.judge.Truth.read(true, NAMES, **BOX), **noise)

        yield verdict


@pytest.mark.parametrize(
    ("found", "true"),
    [
        ("y*(1 + x)", "x*y + y"),
        ("x/y + 1/x", "(x**2 + y)/(x*y)"),
        ("1 - 2*sin(t)**2", "cos(2*t)"),
        ("sin(t + 1.5707963)", "cos(t)"),
        ("exp(x + log(y))", "y*exp(x)"),
        ("0.0795774715*x/y", "x/(4*pi*y)"),
        ("0.70710678118*sqrt(x*y)", "sqrt(x*y/2)"),
        ("sqrt(x**2)", "x"),  # x is positive in the data
        ("(1 - exp(-2*t))/(1 + exp(-2*t))", "tanh(t)"),
        ("x**1.99999999 + y", "x**2 + y"),
    ],
)
def test_another_spelling_is_exact(judged: Any, found: str, true: str) -> None:
    assert judged(found, true).kind == "exact"


@pytest.mark.parametrize(
    ("found", "true", "kind"),
    [
        ("x*y + 0.3", "x*y", "difference"),
        ("x*y", "x*y - 2", "difference"),
        ("log(x)", "log(3*x)", "difference"),
        ("2.5*sin(t)/x", "sin(t)/x", "ratio"),
        ("sqrt(x)*y", "sqrt(pi*x)*y", "ratio"),
        ("x*y + 0.001*x", "x*y", "wrong"),
        ("x*y + 0.001*t**2", "x*y", "wrong"),
        ("x + y", "x*y", "wrong"),
        ("sqrt(t**2)", "t", "wrong"),  # t has both signs
        ("t - t**3/6 + t**5/120", "sin(t)", "wrong"),
        ("min(x, 3)*y", "x*y", "wrong"),  # the same in the box of the data, and not beyond
        ("0.5*log(t)", "log(t**2)/4", "wrong"),  # not real where t < 0
    ],
)
def test_what_is_off_is_told(judged: Any, found: str, true: str, kind: str) -> None:
    assert judged(found, true).kind == kind


def fitted(text: str, true: str, noise: float, rows: int = 1000) -> tuple[Any, float]:
    """The text with its constants fitted to noisy data of the truth, and the standard deviation of the noise."""
    rng = np.random.default_rng(7)
    X = rng.uniform(np.array(BOX["low"])[:, None], np.array(BOX["high"])[:, None], (3, rows))
    y = parse(true, NAMES).evaluate(X)
    sigma = noise * float(np.sqrt(np.mean(y**2)))
    y = y + sigma * rng.normal(size=rows)
    return fit(parse(text, NAMES), X, y, np.full(rows, 1 / rows)).expression, sigma


@pytest.mark.parametrize("noise", [0.01, 0.1])
@pytest.mark.parametrize(
    ("form", "true", "kind"),
    [
        ("1.0*x*y**2.1", "3*x*y**2/7", "exact"),
        ("1.0*sin(2.9*t)/x", "2*sin(3*t)/x", "exact"),
        ("x*y/(1.0 + 1.0*x)", "x*y/(2 + x/3)", "exact"),
        ("1.0*x*1.0*y", "2*x*y", "exact"),  # redundant, but of the right form
        ("1.0*x*y + 0.1", "2*x*y", "difference"),
        ("1.0*x*y + 0.1*x", "2*x*y", "wrong"),
        ("1.0*x*y*(x + 1.1)/(x + 1.0)", "2*x*y", "wrong"),  # the brackets cancel at the truth
        ("1.0*x*y + 1.0*x + 1.0*y + 1.0", "x*y**1.2", "wrong"),
    ],
)
def test_noise_moves_constants_and_not_the_structure(
    benchmarks: Any, judged: Any, form: str, true: str, kind: str, noise: float
) -> None:
    found, sigma = fitted(form, true, noise)
    assert judged(found.text(NAMES), true, sigma=sigma).kind == kind


def test_constants_outside_their_errors_are_wrong(judged: Any) -> None:
    assert judged("2.001*x*y", "2*x*y", sigma=0.1).kind == "exact"
    assert judged("2.1*x*y", "2*x*y", sigma=0.1).kind == "wrong"


def test_without_time_for_sympy_numbers_decide(benchmarks: Any) -> None:
    truth = benchmarks.judge.Truth.read("cos(2*t)/x", NAMES, **BOX)
    with benchmarks.judge.Judge(seconds=1e-9) as judge:
        verdict = judge(parse("(1 - 2*sin(t)**2)/x", NAMES), truth)
    assert (verdict.kind, verdict.how) == ("exact", "numerically")


def test_sympy_knows_an_identity_where_numbers_are_lost(benchmarks: Any, judged: Any) -> None:
    lost = "1e10 + x - 1e10"  # six digits of x are left
    assert judged(lost.replace("1e10", "10000000000"), "x").how == "symbolically"
    assert judged("x*y*exact(0.1000001)", "x*y/10").kind == "exact"


def test_the_best_of_a_front(benchmarks: Any) -> None:
    truth = benchmarks.judge.Truth.read("x*y", NAMES, **BOX)
    front = [parse(text, NAMES) for text in ("x", "x*y + 1", "y*x", "x*y + 0*t")]
    with benchmarks.judge.Judge(seconds=0) as judge:
        assert [judge.any(part, truth)[1] for part in ([], front[:1], front[:2], front)] == [-1, -1, 1, 2]


@pytest.mark.parametrize("family", ["nguyen", "strogatz"])
def test_every_equation_of_a_family_is_itself(benchmarks: Any, family: str) -> None:
    equations = getattr(benchmarks.families, family)()
    assert len(equations) == {"nguyen": 12, "strogatz": 14}[family]
    with benchmarks.judge.Judge(seconds=0) as judge:
        for equation in equations:
            X, y, sigma = equation.sample(50, seed=1)
            assert X.shape == (len(equation.ranges), 50)
            assert sigma == 0
            assert np.isfinite(y).all()
            assert judge(equation.truth.expression, equation.truth).kind == "exact"


def test_a_table_of_equations(benchmarks: Any, tmp_path: Path) -> None:
    (tmp_path / "equations.csv").write_text(
        "equation,target,formula,m,s,kg,T,V\nfall,E,m*v**2/2,2,-2,1,0,0\nlog,S,ln(x),0,0,0,0,0\n"
    )
    (tmp_path / "variables.csv").write_text(
        "equation,variable,low,high,m,s,kg,T,V\nfall,m,1,2,0,0,1,0,0\nfall,v,1,5,1,-1,0,0,0\nlog,x,1,2,0,0,0,0,0\n"
    )
    fall, log = benchmarks.families.feynman(tmp_path)
    X, y, sigma = fall.sample(100, seed=3, noise=0.1)
    assert np.std(y - X[0] * X[1] ** 2 / 2) == pytest.approx(sigma, rel=0.3)
    assert np.array_equal(fall.sample(100, seed=3, noise=0.1)[1], y)
    units = fall.dataset(X, y, with_units=True).units
    assert units["E"].dimension == units["m"].dimension * units["v"].dimension ** 2
    assert not fall.dataset(X, y, with_units=False).has_all_units
    assert log.units == {"x": "1", "S": "1"}
    assert [e.name for e in benchmarks.families.select([fall, log], only=["log"])] == ["log"]
