"""The Julia module: its table is ours, its tests pass, its values are NumPy's. Skipped where Julia is not."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

from balmer.engines.julia.installation import installation
from balmer.expressions import OPERATORS, Expression, apply, constant, parse, variable
from balmer.kernels import generate

ROOT = Path(__file__).parents[2]


def julia(*arguments: str, text: str = "") -> str:
    """What the Julia that is set up prints, with the module of this checkout."""
    found = installation()
    command = [str(found.executable), "--startup-file=no", f"--project={found.project}", *arguments]
    environment = os.environ | {"JULIA_LOAD_PATH": os.pathsep.join(["@", str(ROOT), "@stdlib"])}
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_julia_table_is_the_table():
    assert generate.JULIA_TARGET.read_text(encoding="utf-8") == generate.julia_source(), (
        "the operator table changed: run python -m balmer.kernels.generate"
    )


def test_both_packages_have_one_version():
    projects = [
        tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
        for name in ("Project.toml", "pyproject.toml")
    ]
    assert projects[0]["version"] == projects[1]["project"]["version"]
    assert (ROOT / projects[0]["path"]).is_file()


@pytest.mark.julia
def test_the_module_passes_its_own_tests():
    julia("tests/julia/runtests.jl")


PRINT_VALUES = """
using Balmer
for line in eachline(stdin)
    n, numbers... = parse.(Float64, split(line))
    n = Int(n)
    part(k) = numbers[(k * n + 1):((k + 1) * n)]
    X = reshape(numbers[(3n + 1):end], 2, :)
    println(join(evaluate(Int.(part(0)), Int.(part(1)), part(2), X), " "))
end
"""


@pytest.mark.julia
def test_a_program_has_the_same_values_in_both_languages():
    X = np.array([[0.3, 1.7, -0.8, 2.5, 0.0], [2.0, -3.0, 0.5, 0.25, 1.0]])
    formulas: list[Expression] = [
        apply(op.name, *(variable(i) for i in range(op.arity))) for op in OPERATORS.values()
    ]
    formulas += [parse("2.5*a**2/(a**2 - 4) + exp(-b)*sin(a)", ["a", "b"]), constant(1.5), variable(1)]
    lines = []
    for e in formulas:
        numbers = [len(e), *e.ops.tolist(), *e.args.tolist(), *e.values.tolist(), *X.T.ravel().tolist()]
        lines.append(" ".join(json.dumps(number) for number in numbers))
    answers = julia("-e", PRINT_VALUES, text="\n".join(lines) + "\n").splitlines()
    assert len(answers) == len(formulas)
    for e, answer in zip(formulas, answers, strict=True):
        found = np.array([float(word) for word in answer.split()])
        np.testing.assert_allclose(found, e.evaluate(X), rtol=1e-14, equal_nan=True, err_msg=repr(e))
