"""Formulas in narrow terminals stay readable, and progress is a bar in a terminal and plain lines elsewhere."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from balmer.cli.progress import watching
from balmer.cli.text import formula_lines, print_front, print_law
from balmer.data import Dataset
from balmer.engines import Candidate, Problem, Progress
from balmer.expressions import parse
from balmer.search import Front
from balmer.search.refine import law_of, refit
from strategies import expressions

NAMES = ["x", "v/c", "a long name, with *signs* (and brackets)", "λ"]


def joined(lines, indent):
    return lines[0] + "".join(line[indent:] for line in lines[1:])


@given(expressions(n_features=4), st.integers(12, 100), st.integers(0, 4))
def test_a_broken_formula_is_the_formula(expression, width, indent):
    text = expression.text(NAMES, 5)
    lines = formula_lines(text, width, indent)
    assert joined(lines, indent) == text
    assert all(len(line.rstrip()) <= width for line in lines)
    if len(text) <= width:
        assert lines == [text]


def test_lines_end_where_a_reader_would_break_them():
    text = "364.57 + (1462.4 - 0.24978*sin(6.4852 + cos(n - 0.097076)))/((0.0086008 + n)**2 - 4.0379)"
    assert formula_lines(text, 38) == [
        "364.57 + (1462.4 - 0.24978*",
        "  sin(6.4852 + cos(n - 0.097076)))/",
        "  ((0.0086008 + n)**2 - 4.0379)",
    ]
    # A number, a power and a quoted name are never broken.
    assert formula_lines("1.23456e-05*x**2 - 7.891e+10*`a - b*c`**3", 16) == [
        "1.23456e-05*x**2 ",
        "  - 7.891e+10*",
        "  `a - b*c`**3",
    ]


def asked():
    x = np.linspace(1.0, 3.0, 12)
    units = {"x": "m", "c1": "1", "y": "kg"}
    return Problem(Dataset.from_arrays({"x": x, "c1": x + 1}, 2 * x + np.sin(x), target="y", units=units))


def printed(show, width=80, **options):
    stream = io.StringIO()
    show(Console(file=stream, width=width, **options))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_front_fits_the_terminal(width):
    problem = asked()
    texts = ["2.0*x", "2.0*x + 0.5", "2.0*x + 0.5*c1/(1.25 + c1*exp(-c1*0.125))*x*(0.0625 + c1)"]
    laws = [law_of(refit(parse(text, ["x", "c1"]), problem, "test"), problem) for text in texts]
    out = printed(lambda console: print_front(console, Front(tuple(laws))), width)
    assert max(map(len, out.splitlines())) <= width
    column = next(line for line in out.splitlines() if "y [kg] =" in line).index("y [kg] =")
    rows = out[: out.index("* chosen")].splitlines()[2 if width < 100 else 1 :]
    shown = "".join(row[column:].strip() for row in rows)
    assert shown.replace(" ", "") == "".join(law.text() for law in laws).replace(" ", "")


def test_no_law_is_said_so():
    assert printed(lambda console: print_front(console, Front(()))) == "No law was found.\n"


def test_constants_are_not_confused_with_columns():
    problem = asked()
    law = law_of(refit(parse("2.5*x + 0.5*c1", ["x", "c1"]), problem, "test"), problem)
    out = printed(lambda console: print_law(console, law, "A law"))
    assert "y = c1_*x + c2*c1" in out
    assert "    c1_ = " in out
    assert "c1_ and c2 carry units (kg/m, kg)" in out


def test_a_constant_that_the_data_do_not_fix():
    problem = asked()
    law = law_of(refit(parse("(2.5 + 0.5)*x", ["x", "c1"]), problem, "test"), problem)
    assert "(the data do not fix it)" in printed(lambda console: print_law(console, law, "A law"))


def reports():
    front = (Candidate(parse("2.0*x", ["x", "c1"]), 0.125, 4),)
    yield Progress("power laws")
    yield Progress("evolution", 0, 0.0, 0.0)
    yield Progress("evolution", 1_500_000, 30.0, 0.5, front)


def test_progress_outside_a_terminal_is_plain_lines():
    def show(console):
        with watching(console) as shown:
            shown.stage("reading x.csv")
            for report in reports():
                shown.report(report, 60.0)
            shown.stage("interrupted: finishing")

    out = printed(show)
    assert [line.split(" ", 1)[1] for line in out.splitlines()] == [
        "power laws",
        "evolution",
        "evolution, 1.5M formulas, loss 1.25e-01, 0:30 left",
        "interrupted: finishing",
    ]
    assert "\x1b" not in out


def test_progress_in_a_terminal_is_a_bar_that_vanishes():
    def show(console):
        with watching(console) as shown:
            shown.stage("reading x.csv")
            for report in reports():
                shown.report(report, 60.0)

    out = printed(show, force_terminal=True, color_system=None, legacy_windows=False)
    assert "1.5M formulas, loss 1.25e-01" in out
    assert "0:30 left" in out
    assert "━" in out
    assert out.endswith("\x1b[2K")  # the line is cleared


def test_a_terminal_without_capabilities_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")

    def show(console):
        with watching(console) as shown:
            for report in reports():
                shown.report(report, None)

    assert "\x1b" not in printed(show, force_terminal=True)
