"""Do errors hold what they promise? python benchmarks/coverage.py [--toys 400] [--quick]

Four tables, of toys with constants that are drawn anew for each:

1. searches in data of three forms with constants from a continuum: how often value +- error of the chosen law holds
   the true constant (68.3 % is right), the rms of (value - true)/error (1 is right), how many constants became exact
   numbers (none is), and how often the chosen law has another form;
2. the same with simple constants that the data fix to 0.1 %: how many were recognised;
3. fits of a known form to data with noise of many kinds, in tables of 8, 30 and 300 rows: what value +- error holds;
4. the relative error with which a number is proven to be exact.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from common import print_table
from numpy.typing import NDArray

from balmer import Dataset, Law, Objective, Problem, discover
from balmer.expressions import parse
from balmer.kernels import fit
from balmer.search.assess import free_form
from balmer.search.exact import precision_needed, simple_numbers
from balmer.search.refine import law_of, refit

Floats = NDArray[np.float64]
PROMISED = 0.6827
ROWS = (8, 30, 300)
EVALUATIONS = 15_000  # of a search


@dataclass(frozen=True)
class Form:
    """A law in two constants a and b of one feature, and the range of that."""

    name: str
    of: Callable[[Floats, float, float], Floats]
    low: float
    high: float


FORMS = (
    Form("a*exp(-b*x)", lambda x, a, b: a * np.exp(-b * x), 0.0, 3.0),
    Form("a + b*x", lambda x, a, b: a + b * x, 0.0, 4.0),
    Form("a*x/(b + x)", lambda x, a, b: a * x / (b + x), 0.2, 8.0),
)


@dataclass(frozen=True)
class Outcome:
    """What a search made of a toy: pulls of its constants, how many are exact, and whether the form is the true one."""

    pulls: tuple[float, ...]
    exact: int
    is_true: bool
    recognised: int = 0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--toys", type=int, default=400, help="toys of each kind")
    parser.add_argument("--quick", action="store_true", help="fits only, without searches")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    options = parser.parse_args(arguments)
    with ProcessPoolExecutor(options.jobs) as pool:
        if not options.quick:
            searched(pool, options.toys)
        fitted(pool, options.toys)
    precision()


def searched(pool: ProcessPoolExecutor, toys: int) -> None:
    """Tables 1 and 2."""
    lines = []
    every: list[Outcome] = []
    for place, form in enumerate(FORMS):
        n = toys // len(FORMS) + (place < toys % len(FORMS))
        found = list(pool.map(continuum_toy, [place] * n, range(n)))
        every += found
        lines.append([form.name, *_summary(found)])
    lines.append(["all", *_summary(every)])
    heads = ["form", "toys", "held %", "+-", "rms of pulls", "made exact %", "another form %"]
    print_table("Searches, constants from a continuum", heads, lines)
    lines = []
    for place, form in enumerate(FORMS):
        n = toys // len(FORMS) + (place < toys % len(FORMS))
        found = list(pool.map(simple_toy, [place] * n, range(n)))
        true = [o for o in found if o.is_true]
        count = sum(o.recognised for o in true)
        lines.append([form.name, n, f"{100 * count / max(2 * len(true), 1):.1f}", n - len(true)])
    title = "Searches, simple constants (n/m and n*pi/m, n to 6, m to 2), errors of 0.1 %"
    print_table(title, ["form", "toys", "recognised %", "another form"], lines)


def _summary(found: Sequence[Outcome]) -> list[object]:
    pulls = np.array([p for o in found if o.is_true for p in o.pulls])
    held = float(np.mean(np.abs(pulls) <= 1.0)) if len(pulls) else np.nan
    bound = 3 * np.sqrt(PROMISED * (1 - PROMISED) / max(len(pulls), 1))
    return [
        len(found),
        f"{100 * held:.1f}",
        f"{100 * bound:.1f}",
        f"{np.sqrt(np.mean(pulls**2)):.2f}",
        f"{100 * sum(o.exact for o in found) / (2 * len(found)):.1f}",
        f"{100 * np.mean([not o.is_true for o in found]):.1f}",
    ]


def continuum_toy(place: int, seed: int) -> Outcome:
    """Constants uniform between 0.5 and 5, noise of 0.3 to 5 % of the spread of the target, 30 to 300 rows."""
    form, rng = FORMS[place], np.random.default_rng([1, place, seed])
    a, b = rng.uniform(0.5, 5.0, 2)
    n = int(np.exp(rng.uniform(np.log(30), np.log(300))))
    x = rng.uniform(form.low, form.high, n)
    y = form.of(x, a, b)
    noise = y.std() * np.exp(rng.uniform(np.log(0.003), np.log(0.05)))
    return _search(form, x, y, noise, (a, b), rng, seed)


def simple_toy(place: int, seed: int) -> Outcome:
    """Simple constants; as much noise as gives the less well known of them an error of 0.1 %."""
    form, rng = FORMS[place], np.random.default_rng([2, place, seed])
    a, b = rng.choice(simple_numbers(1), 2)
    b = min(b, 6.0)
    x = rng.uniform(form.low, form.high, 100)
    y = form.of(x, a, b)
    step = 1e-6
    J = np.array([
        (form.of(x, a * (1 + step), b) - y) / (a * step),
        (form.of(x, a, b * (1 + step)) - y) / (b * step),
    ])  # fmt: skip
    unit = np.sqrt(np.diag(np.linalg.inv(J @ J.T)))  # errors at noise 1
    noise = 1e-3 / np.max(unit / np.array([a, b]))
    return _search(form, x, y, noise, (a, b), rng, seed)


def _search(
    form: Form,
    x: Floats,
    y: Floats,
    noise: float,
    truth: tuple[float, float],
    rng: np.random.Generator,
    seed: int,
) -> Outcome:
    data = Dataset.from_arrays({"x": x}, y + noise * rng.normal(size=len(x)), target="y")
    found = discover(
        data, evaluations=EVALUATIONS, seed=seed, operators="+ - * / exp", engine="embedded", threads=1
    )
    return judged(found.best, Problem(data), x, y, truth)


def judged(law: Law, problem: Problem, x: Floats, y: Floats, truth: tuple[float, float]) -> Outcome:
    """Whether the law, with its exact numbers free, can be the truth; and the pulls of its constants."""
    X, w = x[None], np.full(len(y), 1.0 / len(y))
    enough = 1e-14 * np.mean(y**2)
    itself = fit(law.expression, X, y, w)
    free = free_form(law.expression, problem)
    exact = free.n_constants - law.expression.n_constants
    if itself.loss > enough and fit(free, X, y, w).loss > enough:
        return Outcome((), 0, False)
    if free.n_constants > 2 and itself.loss > enough:
        return Outcome((), 0, False)
    values = [float(n.value) for n in law.exact]
    recognised = sum(any(abs(abs(v) / t - 1) < 1e-9 for v in values) for t in truth)
    if itself.loss > enough:  # an exact number is wrong, and what the others should be is not defined
        return Outcome((), exact, True, recognised)
    right = itself.expression.constants
    pulls = tuple(
        (c.value - t) / c.error for c, t in zip(law.constants, right, strict=True) if np.isfinite(c.error)
    )
    return Outcome(pulls, exact, True, recognised)


# -- fits of a known form --------------------------------------------------------------------------------


def _noise(kind: str, y: Floats, rng: np.random.Generator) -> Floats:
    normal = rng.normal(size=len(y))
    if kind == "proportional":
        return 0.2 * np.abs(y) * normal
    if kind == "heavy tails":
        return 0.3 * rng.standard_t(3, len(y))
    return 0.3 * normal


# noise, what is told of it, and the objective
KINDS: dict[str, tuple[str, str, str]] = {
    "equal": ("equal", "", "constant"),
    "equal, uncertainties given": ("equal", "sigma", "constant"),
    "proportional to the signal": ("proportional", "", "constant"),
    "proportional, noise='relative'": ("proportional", "", "relative"),
    "Student's t, 3 degrees": ("heavy tails", "", "constant"),
    "precision weights": ("equal", "precision", "constant"),
    "event weights": ("equal", "events", "constant"),
    "event weights, a tenth negative": ("equal", "negative", "constant"),
}


def fit_toy(kind: str, n: int, seed: int) -> tuple[float, ...]:
    """Pulls of the two constants of a line with noise of one kind."""
    rng = np.random.default_rng([3, list(KINDS).index(kind), n, seed])
    of, told, noise = KINDS[kind]
    a, b = rng.uniform(0.5, 2.0, 2)
    x = rng.uniform(0.0, 3.0, n)
    y = a + b * x
    more: dict[str, object] = {}
    values = y + _noise(of, y, rng)
    if told == "sigma":
        more["sigma"] = np.full(n, 0.3)
    elif told == "precision":
        trust = rng.uniform(0.2, 3.0, n)
        values = y + 0.3 / np.sqrt(trust) * rng.normal(size=n)
        more["weights"] = trust
    elif told:
        weights = rng.exponential(size=n)
        if told == "negative":
            weights[rng.random(n) < 0.1] *= -1
            weights = weights if weights.sum() > 0 else np.abs(weights)
        more |= {"weights": weights, "weights_mean": "events"}
    data = Dataset.from_arrays({"x": x}, values, target="y", **more)
    problem = Problem(data, objective=Objective(noise=noise))
    law = law_of(refit(parse("1.0 + 1.0*x", ["x"]), problem, "fit"), problem)
    return tuple((c.value - t) / c.error for c, t in zip(law.constants, (a, b), strict=True))


def fitted(pool: ProcessPoolExecutor, toys: int) -> None:
    """Table 3."""
    lines = []
    for kind in KINDS:
        line: list[object] = [kind]
        for n in ROWS:
            found = list(pool.map(fit_toy, [kind] * toys, [n] * toys, range(toys), chunksize=50))
            pulls = np.array(found)
            line += [f"{100 * np.mean(np.abs(pulls) <= 1):.1f}", f"{np.sqrt(np.mean(pulls**2)):.2f}"]
        lines.append(line)
    bound = 3 * np.sqrt(PROMISED * (1 - PROMISED) / toys)
    title = f"Fits of a + b*x: what value +- error holds in %, and rms of pulls; 68.3 +- {100 * bound:.1f} is right"
    print_table(title, ["noise", *(h for n in ROWS for h in (f"{n} rows", "rms"))], lines)


def precision() -> None:
    """Table 4."""
    numbers = {"1": 1.0, "2": 2.0, "3/2": 1.5, "5": 5.0, "pi": np.pi, "2*pi": 2 * np.pi, "1/3": 1 / 3, "7": 7.0,
               "sqrt(2)": 2**0.5, "e": np.e, "log(2)": np.log(2), "27": 27.0}  # fmt: skip
    title = "Relative error with which a number, fitted one error off, is proven to be exact at 20 : 1"
    print_table(
        title, ["number", "error"], [[name, f"{precision_needed(v):.2g}"] for name, v in numbers.items()]
    )


if __name__ == "__main__":
    main()
