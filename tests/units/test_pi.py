"""Buckingham's theorem: the groups are dimensionless, independent, and as many as there can be."""

import math
from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from balmer.units import BASE, DIMENSIONLESS, Dimension, pi_groups, solve_powers

powers = st.fractions(min_value=-3, max_value=3, max_denominator=2)
dimensions = st.builds(Dimension, m=powers, kg=powers, s=powers)
quantities = st.lists(dimensions, max_size=6)


def rank(rows):
    return sympy.Matrix(rows).rank() if rows else 0


def product(dims, exponents):
    return math.prod((d**p for d, p in zip(dims, exponents, strict=True)), start=DIMENSIONLESS)


@given(quantities)
def test_groups_are_a_basis_of_the_null_space(dims):
    groups = pi_groups(dims)
    assert all(product(dims, group).is_dimensionless for group in groups)
    assert len(groups) == len(dims) - rank([[d.exponents[i] for d in dims] for i in range(len(BASE))])
    assert rank([list(group) for group in groups]) == len(groups)


@given(quantities)
def test_groups_are_primitive_and_start_positive(dims):
    for group in pi_groups(dims):
        assert math.gcd(*group) == 1
        assert next(power for power in group if power) > 0
        assert all(type(power) is int for power in group)


@given(quantities, st.lists(st.integers(-3, 3), min_size=6, max_size=6))
def test_whatever_can_be_made_is_made(dims, exponents):
    target = product(dims, exponents[: len(dims)])
    found = solve_powers(target, dims)
    assert found is not None
    assert product(dims, found) == target


@given(quantities, dimensions)
def test_none_means_that_the_target_is_independent(dims, target):
    found = solve_powers(target, dims)
    rows = [list(d.exponents) for d in dims]
    independent = rank([*rows, list(target.exponents)]) > rank(rows)
    assert (found is None) == independent
    assert found is None or product(dims, found) == target


def test_reynolds_and_drag():
    rho, v, d, mu, force = (
        Dimension(kg=1, m=-3),
        Dimension(m=1, s=-1),
        Dimension(m=1),
        Dimension(kg=1, m=-1, s=-1),
        Dimension(kg=1, m=1, s=-2),
    )
    assert pi_groups([rho, v, d, mu]) == [(1, 1, 1, -1)]
    groups = pi_groups([rho, v, d, mu, force])
    assert groups[0] == (1, 1, 1, -1, 0)
    assert max(abs(power) for group in groups for power in group) <= 2


def test_entries_are_small_where_elimination_alone_gives_large_ones():
    dims = [Dimension(m=7), Dimension(m=11), Dimension(m=1)]
    assert sum(abs(power) for group in pi_groups(dims) for power in group) <= 17


def test_the_pendulum():
    length, gravity, mass = Dimension(m=1), Dimension(m=1, s=-2), Dimension(kg=1)
    assert solve_powers(Dimension(s=1), [length, gravity, mass]) == (Fraction(1, 2), Fraction(-1, 2), 0)
    assert solve_powers(Dimension(K=1), [length, gravity, mass]) is None


@pytest.mark.parametrize(
    ("dims", "groups"),
    [([], []), ([DIMENSIONLESS], [(1,)]), ([Dimension(m=1)], []), ([Dimension(m=1)] * 2, [(1, -1)])],
)
def test_small_cases(dims, groups):
    assert pi_groups(dims) == groups


def test_nothing_makes_only_a_pure_number():
    assert solve_powers(DIMENSIONLESS, []) == ()
    assert solve_powers(Dimension(m=1), []) is None
