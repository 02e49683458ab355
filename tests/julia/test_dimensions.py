"""The dimensional check in Julia: it passes its own tests and says what the one in Python says of random formulas."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from balmer.engines.julia.installation import installation
from balmer.expressions import (
    OPERATORS,
    DimensionReport,
    Expression,
    apply,
    check_dimensions,
    constant,
    literal,
    variable,
)
from balmer.units import DIMENSIONLESS, Dimension

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.julia

N_FORMULAS = 4000
LENGTH, TIME, MASS = Dimension(m=1), Dimension(s=1), Dimension(kg=1)
UNITS = [LENGTH, TIME, MASS, LENGTH / TIME, MASS * LENGTH / TIME**2, LENGTH ** Fraction(1, 2), DIMENSIONLESS]
UNARY = [op.name for op in OPERATORS.values() if op.arity == 1]
BINARY = [op.name for op in OPERATORS.values() if op.arity == 2]
# Sums of different things are rarely right: these have more to be right about.
LIKELY = ["mul", "div", "mul", "div", "pow", "square", "sqrt", "neg"]

PRINT_CHECKS = """
using Balmer
shown(::Nothing) = "?"
shown(exponents) = join(exponents, ",")
for line in eachline(stdin)
    numbers = Iterators.Stateful(parse.(Float64, split(line)))
    take(n) = [popfirst!(numbers) for _ in 1:n]
    whole() = Int(popfirst!(numbers))
    optional() = whole() == 1 ? take(8) : nothing
    n = whole()
    ops, args, values = Int.(take(n)), Int.(take(n)), take(n)
    features = [take(8) for _ in 1:whole()]
    units = Balmer.UnitSystem(features, optional(); constants=[optional() for _ in 1:whole()])
    found = Balmer.check_dimensions(ops, args, values, units)
    words = [string(found.holds), string(found.distance), shown(found.dimension), shown.(found.constants)...]
    println(join(words, " "))
end
"""


def julia(*arguments: str, text: str = "") -> str:
    """What a Julia prints that has the packages and finds the module here."""
    found = installation()
    command = [str(found.executable), "--startup-file=no", f"--project={found.project}", *arguments]
    # The empty entry stands for where Julia looks by itself.
    environment = os.environ | {"JULIA_LOAD_PATH": os.pathsep.join(["", str(ROOT)])}
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("file", ["derivatives.jl", "dimensions.jl", "dimension_gaps.jl"])
def test_the_julia_tests_pass(file: str):
    julia(f"tests/julia/{file}")


def random_formula(rng: np.random.Generator, leaves: int) -> Expression:
    if leaves == 1:
        kind = rng.random()
        if kind < 0.6:
            return variable(int(rng.integers(3)))
        if kind < 0.85:
            return constant(float(rng.choice([0.5, 2.0, -1.5, 0.3333333, 2.37, 3e-5, rng.uniform(-9, 9)])))
        return literal(float(rng.choice([0.0, 1.0, 2.0, -1.0, 0.5, 1 / 3, 0.137, np.pi])))
    names = LIKELY if rng.random() < 0.7 else UNARY + BINARY
    name = str(rng.choice(names))
    if OPERATORS[name].arity == 1:
        return apply(name, random_formula(rng, leaves))
    left = 1 if name == "pow" and leaves < 4 else int(rng.integers(1, leaves))
    return apply(name, random_formula(rng, left), random_formula(rng, leaves - left))


Question = tuple[Expression, list[Dimension], Dimension | None, list[Dimension | None]]


def random_question(rng: np.random.Generator) -> Question:
    """A formula, its features' dimensions, the target's and those of the constants."""

    def some() -> Dimension:
        return UNITS[rng.integers(len(UNITS))]

    e = random_formula(rng, int(rng.integers(1, 8)))
    features = [some() for _ in range(3)]
    given = [some() if rng.random() < 0.2 else None for _ in range(e.n_constants)]
    found = check_dimensions(e, features, constants=given).dimension
    target = found if rng.random() < 0.5 else some()
    return e, features, target, given


def as_line(question: Question) -> str:
    e, features, target, given = question

    def of(dimension: Dimension) -> list[float]:
        return [float(exponent) for exponent in dimension.exponents]

    def optional(dimension: Dimension | None) -> list[float]:
        return [0] if dimension is None else [1, *of(dimension)]

    numbers = [len(e), *e.ops.tolist(), *e.args.tolist(), *e.values.tolist(), len(features)]
    numbers += [number for feature in features for number in of(feature)]
    numbers += [*optional(target), len(given), *(number for g in given for number in optional(g))]
    return " ".join(map(repr, numbers))


def agrees(shown: str, expected: Dimension | None) -> bool:
    if expected is None or shown == "?":
        return expected is None and shown == "?"
    exponents = [float(exponent) for exponent in expected.exponents]
    return np.allclose([float(x) for x in shown.split(",")], exponents, rtol=1e-6, atol=1e-6)


def test_both_languages_say_the_same_of_random_formulas():
    rng = np.random.default_rng(7)
    questions = [random_question(rng) for _ in range(N_FORMULAS)]
    answers = julia("-e", PRINT_CHECKS, text="\n".join(map(as_line, questions)) + "\n").splitlines()
    assert len(answers) == len(questions)
    reports: list[DimensionReport] = []
    for (e, features, target, given), answer in zip(questions, answers, strict=True):
        holds, distance, dimension, *constants = answer.split(" ")
        report = check_dimensions(e, features, target, constants=given)
        reports.append(report)
        told = f"{e!r} of {list(map(str, features))} for {target}: {answer} against {report}"
        assert (holds == "true") == report.holds, told
        assert (float(distance) == 0) == report.holds, told
        assert len(constants) == len(report.constants), told
        assert all(map(agrees, [dimension, *constants], [report.dimension, *report.constants])), told
        # Where only the target is missed, the distance is that between the two dimensions.
        free = check_dimensions(e, features, constants=given).dimension
        if target is not None and free is not None:
            assert float(distance) == pytest.approx(free.distance(target), rel=1e-6, abs=1e-6), told
    # The formulas are such that there is something to agree about.
    assert sum(report.holds for report in reports) > N_FORMULAS / 4
    assert sum(not report.holds for report in reports) > N_FORMULAS / 4
    solved = sum(
        dimension is not None and unit is None
        for report, (*_, given) in zip(reports, questions, strict=True)
        for dimension, unit in zip(report.constants, given, strict=True)
    )
    assert solved > N_FORMULAS / 10
