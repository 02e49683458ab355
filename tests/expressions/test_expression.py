"""An Expression is one well-formed postfix program, immutable and compared by content."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

from balmer.errors import ConfigError
from balmer.expressions import OPERATORS, Complexity, Expression, apply, constant, literal, parse, variable
from balmer.expressions.operators import CONSTANT, VARIABLE
from strategies import expressions, rows

ADD, SIN = OPERATORS["add"].code, OPERATORS["sin"].code


@pytest.mark.parametrize(
    "ops",
    [
        [],
        [ADD],
        [VARIABLE, ADD],
        [VARIABLE, VARIABLE],
        [SIN, VARIABLE],
        [999],
        [-1],
        [VARIABLE, ADD, VARIABLE],
    ],
)
def test_what_is_not_one_formula_is_refused(ops: list[int]) -> None:
    with pytest.raises(ConfigError):
        Expression(np.array(ops), np.zeros(len(ops)), np.zeros(len(ops)))


def test_bad_indices_and_operators_are_refused() -> None:
    for index in (-1, 40_000):
        with pytest.raises(ConfigError, match="feature index"):
            variable(index)
    with pytest.raises(ConfigError, match="no operator 'sine'"):
        apply("sine", variable(0))
    with pytest.raises(ConfigError, match="takes 2"):
        apply("add", variable(0))


@given(expressions())
def test_identity(e: Expression) -> None:
    again = Expression(e.ops, e.args, e.values)
    assert again == e
    assert hash(again) == hash(e)
    assert pickle.loads(pickle.dumps(e)) == e
    with pytest.raises(ValueError, match="read-only"):
        e.values[0] = 1.0


def test_numbers_in_unused_places_do_not_count() -> None:
    assert Expression([VARIABLE, SIN], [1, 7], [3.0, 4.0]) == apply("sin", variable(1))


@given(expressions())
def test_children_and_subtrees_put_together_are_the_formula(e: Expression) -> None:
    name = [n for n, o in OPERATORS.items() if o.code == e.ops[-1]]
    if name:
        assert apply(name[0], *e.children()) == e
    else:
        assert e.children() == ()
    assert e.subtree(len(e) - 1) == e
    assert e.depth == 1 + max((c.depth for c in e.children()), default=0)


@given(expressions(), rows())
def test_substituting_features_is_permuting_rows(e: Expression, X: np.ndarray) -> None:
    swapped = e.substitute([variable(2), variable(0), variable(1)])
    np.testing.assert_array_equal(swapped.evaluate(X), e.evaluate(X[[2, 0, 1]]))


@given(expressions())
def test_constants_can_be_replaced_and_fixed(e: Expression) -> None:
    new = np.arange(e.n_constants) + 0.25
    assert list(e.with_constants(new).constants) == list(new)
    assert e.with_constants(e.constants) == e
    if e.n_constants:
        fixed = e.fix(0, 3.0)
        assert fixed.n_constants == e.n_constants - 1
        assert fixed.ops[np.flatnonzero(e.ops == CONSTANT)[0]] != CONSTANT


@given(expressions())
def test_complexity_is_the_sum_over_the_nodes(e: Expression) -> None:
    assert Complexity().of(e) == len(e) + e.n_constants
    assert Complexity({"+": 3}).of(apply("add", e, e)) == 2 * Complexity({"+": 3}).of(e) + 3


def test_programmers_write_formulas_with_operators() -> None:
    x = variable(0)
    assert (2 + 0) * 1 == 2
    assert x * 2 - 0.5 == parse("x0*2 - 0.5")
    assert -(x**2.5) / (x + x) == parse("-x0**2.5/(x0 + x0)")
    assert literal(2) != constant(2)


def test_importing_expressions_does_not_import_sympy() -> None:
    code = "import sys, balmer.expressions; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
