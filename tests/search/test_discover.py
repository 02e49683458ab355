"""From a table to laws: real data, synthetic laws with noise, and the strategy's parts."""

from __future__ import annotations

import copy
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import balmer as bm
from balmer.engines import Budget
from balmer.search.enumeration import small_formulas
from balmer.search.power_law import power_laws
from balmer.search.refine import refine, refit

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"


def example(name):
    return bm.Dataset.from_parquet(EXAMPLES / f"{name}.parquet")


def same_formula(law, text):
    """Whether the law is that formula of its features for some values of its constants, up to rearrangement."""
    wanted = bm.parse(text, law.names).sympy(law.names, law.positive)
    difference = sympy.simplify(law.sympy(assumptions=True) / wanted)
    return difference.is_number


# -- the three laws of the demo ----------------------------------------------------------------------------------


def test_the_balmer_series():
    found = bm.discover(example("hydrogen"), evaluations=400_000, seed=1)
    law = found.best
    assert same_formula(law, "n**2/(n**2 - 4)")
    (limit,) = law.constants
    assert limit.value == pytest.approx(364.5, abs=0.15)  # nm, in air
    assert 0 < limit.error < 0.01
    assert limit.unit.text == "nm"
    assert law.units_hold


def test_keplers_third_law():
    law = bm.discover(example("planets"), evaluations=100_000, seed=1).best
    assert same_formula(law, "a**(3/2)")
    (year,) = law.constants
    assert year.value == pytest.approx(365.25, rel=2e-3)
    assert year.unit.dimension == bm.Dataset.from_arrays(
        {"u": [1, 2, 3, 4]}, [1, 2, 3, 5], units={"u": "day/AU^(3/2)"}
    ).features[0].unit.dimension  # fmt: skip


def test_hubbles_straight_line_is_not_decorated():
    found = bm.discover(example("hubble"), evaluations=200_000, seed=1)
    assert same_formula(found.best, "r")
    (slope,) = found.best.constants
    assert abs(slope.value - 424) < 2 and 35 < slope.error < 50  # noqa: PT018
    assert len(found.front) > 5  # longer formulas fit better and are shown, not chosen


# -- what discover promises --------------------------------------------------------------------------------------


def noisy(seed=0, n=100, sigma=0.01):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(1, 3, n), rng.uniform(1, 3, n)
    return bm.Dataset.from_arrays(
        {"x": x, "y": y}, 2.47 * x / y + sigma * rng.normal(size=n), sigma=np.full(n, sigma), target="z"
    )


def test_one_seed_gives_one_front_on_any_number_of_threads():
    fronts = [
        bm.discover(noisy(), evaluations=50_000, seed=4, threads=threads).front for threads in (1, 2, 4)
    ]
    for other in fronts[1:]:
        assert [law.expression for law in other] == [law.expression for law in fronts[0]]
        assert [law.loss for law in other] == [law.loss for law in fronts[0]]


def test_the_front_is_a_front_of_fitted_laws():
    data = noisy()
    found = bm.discover(data, evaluations=50_000, seed=1)
    table = found.front.to_pandas()
    assert table["complexity"].is_monotonic_increasing
    assert table["loss"].is_monotonic_decreasing
    assert table["chosen"].sum() == 1
    assert table["chosen"].idxmax() == table["description_length"].idxmin()
    for law in found.front:
        residual = (law.predict(data) - data.y) / data.sigma
        assert law.loss == pytest.approx(np.mean(residual**2), rel=1e-9)


def test_errors_of_constants_are_their_scatter():
    found = bm.discover(noisy(), evaluations=20_000, seed=1, operators="* /").best
    (slope,) = found.constants
    fits = []
    for seed in range(200):
        data = noisy(seed)
        ratio = data.X[0] / data.X[1]
        fits.append(np.sum(ratio * data.y) / np.sum(ratio**2))
    assert slope.value == pytest.approx(2.47, abs=4 * slope.error)
    assert slope.error == pytest.approx(np.std(fits), rel=0.25)


def test_a_law_without_noise_is_found_exactly():
    rng = np.random.default_rng(2)
    a, b = rng.uniform(1, 5, (2, 200))
    found = bm.discover(
        bm.Dataset.from_arrays({"a": a, "b": b}, a * np.sqrt(1 + b**2)), evaluations=10**6, seed=1
    )
    assert found.stopped == "target"
    assert same_formula(found.best, "a*sqrt(1 + b**2)")
    assert found.best.constants == ()  # the 1 is recognised as exact


def test_numbers_with_a_unit_are_not_rounded_to_whole_ones():
    x = np.linspace(1, 2, 30)
    data = bm.Dataset.from_arrays({"t": x}, 3.0 * x, target="s", units={"t": "s", "s": "m"})
    (speed,) = bm.discover(data, evaluations=2000, seed=1).best.constants
    assert speed.value == pytest.approx(3.0)
    assert speed.unit.text == "m/s"


def test_a_constant_between_columns_of_two_unit_systems_has_the_unit_of_their_ratio():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, (2, 30))
    data = bm.Dataset.from_arrays(
        {"a": a, "b": b}, 2.23 * a + 0.00171 * b, target="c", units={"a": "km", "b": "m", "c": "km"}
    )
    constants = bm.discover(data, evaluations=20_000, seed=1).best.constants
    found = {round(constant.value, 9): str(constant.unit) for constant in constants}
    assert found == {2.23: "1", 0.00171: "km/m"}
    assert any(str(constant).endswith("km/m") for constant in constants)


def test_units_rule_out_what_does_not_fit():
    rng = np.random.default_rng(0)
    m, v = rng.uniform(1, 5, (2, 50))
    data = bm.Dataset.from_arrays(
        {"m": m, "v": v}, m + v, target="E", units={"m": "kg", "v": "m/s", "E": "J"}
    )
    assert all(law.units_hold for law in bm.discover(data, evaluations=20_000, seed=1).front)
    loose = bm.discover(data, evaluations=20_000, seed=1, objective=bm.Objective(units="ignore"))
    assert loose.best.text() in ("m + v", "v + m")
    assert loose.best.units_hold is False


def test_operators_given_are_the_only_ones():
    found = bm.discover(noisy(), evaluations=20_000, seed=1, operators="+ - *")
    assert {op for law in found.front for op in law.expression.operators} <= {"add", "sub", "mul"}


def test_a_start_formula_in_words_begins_the_search():
    x = np.linspace(1, 5, 60)
    y = 3.1 * np.exp(-((x - 2.7) ** 2) / 0.4) + 0.5 * x
    data = bm.Dataset.from_arrays({"x": x}, y)
    found = bm.discover(data, evaluations=300, seed=1, start=["3.0*exp(-(x - 2.5)**2/0.5) + 0.6*x"])
    assert found.best.loss < 1e-20
    assert bm.discover(data, evaluations=300, seed=1).best.loss > 1e-6


def test_a_search_goes_on_from_its_state():
    first = bm.discover(noisy(), evaluations=20_000, seed=1)
    second = bm.discover(noisy(), evaluations=300, seed=1, state=first.state)
    assert second.front[-1].loss <= first.front[-1].loss * 1.0001
    assert bm.discover(noisy(), evaluations=300, seed=1).front[-1].loss > first.front[-1].loss * 1.01


def test_the_first_front_is_shown_before_the_evolution_and_may_be_enough():
    seen = []

    def enough(progress):
        seen.append(progress)
        return bool(progress.front)

    found = bm.discover(noisy(), evaluations=50_000, seed=1, on_progress=enough)
    assert found.stopped == "interrupted"
    shown = [p for p in seen if p.front]
    assert shown[0].stage == "small formulas"
    assert all(c.loss == pytest.approx(reference(c, noisy()), rel=1e-9) for c in shown[0].front)
    assert found.provenance["evaluations"] < 5000
    assert found.best.loss <= min(c.loss for c in shown[0].front)


def reference(candidate, data):
    return float(np.mean(((candidate.expression.evaluate(data.X) - data.y) / data.sigma) ** 2))


def test_progress_names_the_stages():
    stages = []
    bm.discover(noisy(), evaluations=5000, seed=1, on_progress=lambda p: stages.append(p.stage))
    assert [s for i, s in enumerate(stages) if i == 0 or s != stages[i - 1]][:2] == [
        "power laws",
        "small formulas",
    ]
    assert {"evolution", "refit"} <= set(stages)


def test_everything_that_comes_back_can_be_pickled_and_copied():
    found = bm.discover(noisy(), evaluations=3000, seed=1)
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert [law.expression for law in again.front] == [law.expression for law in found.front]
        assert again.best.text() == found.best.text()


def test_provenance_says_what_was_done():
    data = noisy()
    found = bm.discover(data, evaluations=3000, seed=17)
    assert found.provenance["engine"] == "embedded"
    assert found.provenance["seed"] == 17
    assert found.provenance["data"] == data.fingerprint
    assert found.provenance["budget"] == {"evaluations": 3000}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"operators": "+ cosine"},
            r"operators = '\+ cosine': there is no operator 'cosine': did you mean .*cos",
        ),
        ({"engine": "operon"}, r"there is no engine 'operon'"),
        ({"time": "soon"}, r"seconds = 'soon'.*90s"),
        ({"time": -1.0}, r"seconds = -1.0"),
        ({"evaluations": 0}, r"evaluations = 0"),
        ({"threads": 0}, r"threads = 0"),
        ({"seed": -1}, r"seed = -1"),
        ({"start": ["speed*x"]}, r"speed"),
    ],
)
def test_a_mistake_is_one_sentence(options, message):
    with pytest.raises(bm.BalmerError, match=message) as error:
        bm.discover(noisy(), **({"evaluations": 100} | options))
    assert "\n" not in str(error.value)


def test_an_unknown_option_is_refused_by_name():
    with pytest.raises(bm.ConfigError, match=r"there is no option 'max_size'.*max_complexity"):
        bm.SearchSpace.read({"max_size": 3})


def test_units_forbid_needs_units():
    with pytest.raises(bm.UnitError, match="'x' has no unit"):
        bm.Problem(noisy(), objective=bm.Objective(units="forbid"))


def test_nothing_found_is_said():
    found = bm.discover(noisy(), evaluations=500, seed=1)
    with pytest.raises(
        bm.EngineError, match="no formula of this search space has a finite value in every row"
    ):
        _ = replace(found, front=bm.Front(())).best


def test_ctrl_c_amid_the_refinement_keeps_what_was_found(monkeypatch):
    pressed = []

    def press_once(*_):
        pressed.append(True)
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["balmer.search.discover"], "refine", press_once)
    found = bm.discover(noisy(), evaluations=20_000, seed=1)
    assert found.stopped == "interrupted"
    assert len(found.front) > 3
    assert found.best.loss < 2  # in units of the noise
    assert pressed == [True]


# -- the parts ---------------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from([-3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3]), min_size=1, max_size=4),
    st.floats(0.01, 1e4),
    st.booleans(),
)
@settings(max_examples=40)
def test_every_power_law_is_found_by_the_logarithms(exponents, factor, negative):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 4, (len(exponents), 30))
    y = (-1 if negative else 1) * factor * np.prod(X ** np.array(exponents)[:, None], axis=0)
    if np.ptp(y) == 0 or not any(exponents):
        return
    problem = bm.Problem(bm.Dataset.from_arrays({f"x{i}": x for i, x in enumerate(X)}, y, target="target"))
    fitted = [refit(e, problem, "power law") for e in power_laws(problem)]
    best = min(fitted, key=lambda r: r.length)
    assert best.loss <= 1e-20 * np.mean(y**2)
    assert best.expression.n_constants == 1


def test_small_formulas_hold_the_law_where_the_law_is_small():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(1, 3, (2, 300))
    problem = bm.Problem(bm.Dataset.from_arrays({"a": a, "b": b}, 1.5 + 2.5 * np.sin(a * b)))
    fitted = [refit(e, problem, "enumeration") for e in small_formulas(problem)]
    assert min(r.loss for r in fitted) < 1e-24


def problem_of(formula, names=("x",), n=80, low=1.0, high=3.0, noise=0.0):
    rng = np.random.default_rng(3)
    X = rng.uniform(low, high, (len(names), n))
    y = bm.parse(formula, names).evaluate(X) + noise * rng.normal(size=n)
    return bm.Problem(bm.Dataset.from_arrays(dict(zip(names, X, strict=True)), y, target="target"))


@pytest.mark.parametrize(
    ("truth", "rough", "wanted"),
    [
        ("5.37*x**2/(x**2 + 4)", "5.4 + 21.0/(-3.9 - x**2)", "5.37*x**2/(x**2 + 4)"),  # a ratio of constants
        ("2.72*x**(3/2)", "2.5*pow(x, 1.4)", "2.72*x**(3/2)"),  # a fraction as exponent
        ("3.26/(2 - 8/x)", "6.5/(4.1 - 15.9/x)", "1.63*x/(x - 4)"),  # a common factor
        ("sqrt(x**2 + 3)", "sqrt(1.1*x**2 + 2.9)", "sqrt(x**2 + 3)"),
    ],
)
def test_exact_numbers_are_recognised(truth, rough, wanted):
    problem = problem_of(truth, low=5.0, high=9.0)
    found = refine(refit(bm.parse(rough, ["x"]), problem, "start"), problem)
    best = min(found, key=lambda r: r.length)
    reference = bm.parse(wanted, ["x"])
    assert best.expression.n_constants == reference.n_constants
    np.testing.assert_allclose(best.expression.evaluate(problem.X), reference.evaluate(problem.X), rtol=1e-9)


def test_a_constant_that_is_no_whole_number_stays_free():
    problem = problem_of("2.04*x", noise=0.01)
    best = min(refine(refit(bm.parse("2.0*x", ["x"]), problem, "start"), problem), key=lambda r: r.length)
    assert best.expression.n_constants == 1


def test_a_function_of_what_was_fitted_is_a_number_with_an_error():
    problem = problem_of("6.2/x + 0.462", noise=0.01)
    for found in refine(refit(bm.parse("6.2/x + tanh(1/2)", ["x"]), problem, "start"), problem):
        assert "tanh" not in found.expression.operators
        assert found.expression.n_constants == 2


def test_the_criterion_is_a_description_length():
    problem = problem_of("2.7*x", noise=0.1)
    line, parabola = (refit(bm.parse(t, ["x"]), problem, "") for t in ("2.7*x", "2.7*x + 0.01*x**2"))
    assert parabola.loss < line.loss
    assert line.length < parabola.length
    # Ten times the data fix a true second constant: then it pays.
    curved = problem_of("2.7*x + 0.5*x**2", noise=0.1)
    line, parabola = (refit(bm.parse(t, ["x"]), curved, "") for t in ("2.7*x", "2.7*x + 0.01*x**2"))
    assert parabola.length < line.length


def test_the_budget_reads_durations():
    assert [Budget.read({"seconds": t}).seconds for t in ("90s", "10m", "2h", "1.5", 7)] == [
        90,
        600,
        7200,
        1.5,
        7,
    ]
