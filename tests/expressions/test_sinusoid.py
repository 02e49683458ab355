"""One sinusoid has one normal form, with the same values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from balmer.expressions import apply, constant, parse, variable
from balmer.expressions.sinusoid import Sinusoid, sinusoids

NAMES = ["t", "z"]
ALL = frozenset({"add", "sub", "mul", "div", "neg", "sin", "cos", "exp", "square"})
X = np.array([np.linspace(0.1, 5.0, 40), np.cos(9 * np.linspace(0.1, 5.0, 40)) + 2.0])


@pytest.mark.parametrize(
    ("given_", "normal"),
    [
        ("3*cos(1.7*t + 23.96)", "3*sin(1.7*t + 0.398055)"), ("3*sin(0.4*(17/4*t + 1))", "3*sin(1.7*t + 0.4)"),
        ("-3.0*sin(2.0*t + 1.0)", "3.0*sin(2.0*t - 2.14159)"), ("-3.0*sin(2.0*t)", "-3.0*sin(2.0*t)"),
        ("4.5 - 3.0*exp(-t)*sin(1.5 - 2.0*t)", "4.5 + 3.0*exp(-t)*sin(2.0*t - 1.5)"), ("sin(t + pi/2)", "cos(t)"),
        ("cos(t - pi/2)", "sin(t)"), ("sin(t + pi)", "-sin(t)"), ("sin(-t)", "-sin(t)"), ("cos(-t)", "cos(t)"),
        ("sin(2*pi*t)", "sin(2*pi*t)"), ("square(cos(3.0*t + 9.0))", "sin(3.0*t + 1.14602)**2"),
        ("sin(2.5*(t + 2*z) - 9.0)", "sin(2.5*(t + 2*z) - 2.71681)"), ("sin(3)*t", "sin(3)*t"),
        ("sin(2.0*t + 3.0*t)", "sin(5.0*t)"), ("cos(1 - 2*t)", "cos(2*t - 1)"),
    ],
)  # fmt: skip
def test_known_forms(given_, normal):
    assert sinusoids(parse(given_, NAMES), ALL).text(NAMES, 6) == normal


factors = st.floats(0.01, 50.0).flatmap(lambda v: st.sampled_from([v, -v]))
phases = st.floats(-60.0, 60.0)


@given(
    factors,
    factors,
    phases,
    st.sampled_from(["sin", "cos"]),
    st.sampled_from(["", "square", "neg"]),
    st.booleans(),
)
@settings(max_examples=300)
def test_any_sinusoid_keeps_its_values_and_has_a_positive_frequency_and_amplitude_and_a_small_phase(
    amplitude, frequency, phase, name, outside, phase_first
):
    turned = apply("mul", constant(frequency), variable(0))
    argument = constant(phase) + turned if phase_first else turned + constant(phase)
    wave = apply("mul", constant(amplitude), apply(name, argument))
    law = apply(outside, wave) if outside else wave
    normal = sinusoids(law, ALL)
    scale = amplitude**2 if outside == "square" else abs(amplitude)
    assert np.max(np.abs(law.evaluate(X) - normal.evaluate(X))) <= 1e-11 * scale
    assert sinusoids(normal, ALL) == normal
    assert len(normal) <= len(law)
    seen = []
    sinusoids(normal, ALL, lambda s: seen.append(s) or s)
    (s,) = seen
    assert isinstance(s, Sinusoid)
    assert s.terms[0].factor > 0
    assert -math.pi < s.phase.evaluate(np.zeros((0, 1)))[0] <= math.pi
    if outside != "square" and s.phase.n_constants:
        assert float(normal.constants[0]) > 0


@given(phases, factors, factors, st.sampled_from(["sin", "cos"]))
def test_two_spellings_of_one_sinusoid_have_one_form(phase, frequency, amplitude, name):
    from_half = math.remainder(phase, math.pi / 2)
    assume(abs(from_half) > 1e-6)  # where a phase vanishes, or is as near to pi as to -pi
    u = apply("mul", constant(frequency), variable(0)) + constant(phase)
    one = apply("mul", constant(amplitude), apply(name, u))
    # A sin(u) = A cos(u - pi/2), A cos(u) = -A sin(u - pi/2)
    other = apply("cos" if name == "sin" else "sin", u - constant(math.pi / 2))
    other = apply("mul", other, constant(amplitude if name == "sin" else -amplitude))
    a, b = sinusoids(one, ALL), sinusoids(other, ALL)
    assert np.allclose(sorted(a.constants), sorted(b.constants), atol=1e-9)
    assert a.operators == b.operators
    assert np.allclose(a.evaluate(X), b.evaluate(X), atol=1e-9 * abs(amplitude), rtol=0)
