"""Help teaches, comes at once, and a mistake in the options is one sentence."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest


@pytest.mark.parametrize(
    ("command", "example"),
    [
        ([], "balmer fit examples/data/planets.parquet --time 10s"),
        (["fit"], "balmer fit planets.parquet --target T --time 10s"),
        (["show"], "balmer show runs/planets-T --law 2"),
        (["data"], "balmer data describe examples/data/hubble.parquet"),
        (["data", "describe"], "balmer data describe examples/data/hubble.parquet"),
        (["data", "convert"], "balmer data convert fall.csv fall.parquet --units h=m,t=s --target h"),
        (["julia"], "balmer julia doctor"),
        (["julia", "install"], "balmer julia install"),
        (["julia", "status"], "balmer julia status"),
        (["julia", "doctor"], "balmer julia doctor"),
    ],
)
def test_every_command_shows_an_example(balmer, command, example):
    for option in ("--help", "-h"):
        code, out, err = balmer(*command, option)
        assert (code, err) == (0, "")
        assert example in out.splitlines()[0:60] or f" {example}" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_options_are_grouped(balmer):
    _, out, _ = balmer("fit", "--help")
    panels = [line for line in out.splitlines() if line.startswith("╭")]
    for name in ("The table", "The formulas searched", "The budget", "The run"):
        assert any(name in panel for panel in panels), name


@pytest.mark.parametrize("command", [[], ["data"], ["julia"]])
def test_without_a_command_there_is_help(balmer, command):
    code, out, _ = balmer(*command)
    assert code == 0
    assert "Usage: balmer" in out


def test_version(balmer):
    assert balmer("--version") == (0, f"balmer {version('balmer')}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sho"], "Error: No such command 'sho'. Did you mean 'show'?\n"),
        (["fit", "--tagret", "T"], "Error: No such option: --tagret"),
        (["fit", "--target"], "Error: Option '--target' requires an argument.\n"),
        (["fit", "a.csv", "b.csv"], "Error: Got unexpected extra argument"),
        (["show"], "Error: Missing argument 'RUN'.\n"),
        (["fit"], "Error: no table is given: name a file, as in 'balmer fit table.csv', or give --config\n"),
    ],
)
def test_a_mistake_in_the_options_is_one_sentence(balmer, arguments, message):
    code, out, err = balmer(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


LIGHT = """
import sys
from balmer.cli import main
assert main(["--help"]) == main(["fit", "--help"]) == main(["--version"]) == 0
heavy = {"numpy", "numba", "pandas", "pyarrow", "sympy", "pint", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


def test_help_imports_nothing_heavy():
    subprocess.run([sys.executable, "-c", LIGHT], check=True, stdout=subprocess.DEVNULL)


def test_python_m_balmer():
    done = subprocess.run(
        [sys.executable, "-m", "balmer", "show", "nowhere"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the run 'nowhere' does not exist\n"
