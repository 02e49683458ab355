"""`balmer show`: the laws of a run as a table, in full, as LaTeX and as JSON."""

import json
import math

import numpy as np
import pytest

from balmer.data import Dataset
from balmer.engines import Problem, SearchSpace
from balmer.search import discover
from balmer.search.run import Run, load_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    a = np.array([0.387, 0.723, 1.0, 1.524, 5.203, 9.537, 19.19, 30.07])
    units = {"a": "AU", "T": "day"}
    data = Dataset.from_arrays({"a": a}, 365.25 * a**1.5, target="T", units=units, name="planets")
    problem = Problem(data)
    path = tmp_path_factory.mktemp("runs") / "planets"
    run = Run.create(path, problem, {"seed": 1})
    run.finish(discover(problem, evaluations=2000, seed=1))
    return path


def test_a_run_as_a_table(balmer, run):
    code, out, err = balmer("show", run)
    front = load_run(run).front
    assert (code, err) == (0, "")
    assert "T of planets, 8 rows" in out.replace("\n", " ")
    for number, law in enumerate(front):
        assert f"{'*' if law is front.best else ' '}{number}  {law.complexity:>7}" in out
    assert "T = c1*a**(3/2)" in out
    assert "broken off" not in out


def test_a_run_that_was_broken_off_says_so(balmer, run):
    log = run / "log.jsonl"
    whole = log.read_text()
    try:
        log.write_text("".join(line + "\n" for line in whole.splitlines()[:-1]))
        assert "The search still runs or was broken off" in balmer("show", run)[1]
    finally:
        log.write_text(whole)


def test_one_law_by_its_number_in_the_table(balmer, run):
    front = load_run(run).front
    for number, law in enumerate(front):
        _, out, _ = balmer("show", run, "--law", number)
        assert (
            f"complexity {law.complexity}, loss {law.loss:.4g}, the units hold, found by {law.origin}" in out
        )
        assert ("the chosen one" in out) == (law is front.best)
        for constant in law.constants:
            assert f"    {constant.name} = " in out


def test_latex_can_be_piped_into_a_paper(balmer, run):
    front = load_run(run).front
    assert balmer("show", run, "--latex") == (0, front.best.latex() + "\n", "")
    assert balmer("show", run, "--latex", "--law", 0) == (0, front[0].latex() + "\n", "")


def test_json_holds_everything(balmer, run):
    loaded = load_run(run)
    _, out, _ = balmer("show", run, "--json")
    found = json.loads(out)
    assert found["stopped"] == loaded.stopped
    assert found["config"] == loaded.config
    assert found["data"] == loaded.schema
    assert [law["law"] for law in found["laws"]] == list(range(len(loaded.front)))
    for entry, law in zip(found["laws"], loaded.front, strict=True):
        assert entry["formula"] == law.text(None)
        assert entry["latex"] == law.latex()
        assert entry["loss"] == law.loss
        assert entry["chosen"] == (law is loaded.front.best)
        assert [c["value"] for c in entry["constants"]] == [c.value for c in law.constants]
        for c, constant in zip(entry["constants"], law.constants, strict=True):
            assert c["error"] == (constant.error if math.isfinite(constant.error) else None)
    assert json.loads(balmer("show", run, "--json", "--law", 1)[1]) == found["laws"][1]


def test_json_has_no_infinities(balmer, tmp_path):
    x = np.arange(1.0, 6.0)
    problem = Problem(Dataset.from_arrays({"x": x}, 2.0 * x + 3.0), SearchSpace(max_complexity=9))
    found = discover(problem, evaluations=1000)
    law = found.best
    covariance = np.full_like(law.covariance, np.inf)
    object.__setattr__(law, "covariance", covariance)
    Run.create(tmp_path / "run", problem).finish(found)
    _, out, _ = balmer("show", tmp_path / "run", "--json")
    assert "Infinity" not in out
    best = next(law for law in json.loads(out)["laws"] if law["chosen"])
    assert best["covariance"] == [[None] * len(covariance)] * len(covariance)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--law", "99"], "option --law = 99: the laws of the run '"),
        (["--law", "-1"], "option --law = '-1': a whole number from 0 is accepted"),
        (["--law", "best"], "option --law = 'best': a whole number from 0 is accepted"),
        (["--latex", "--json"], "--latex and --json are two ways to print; give one of them"),
    ],
)
def test_mistakes(balmer, run, arguments, message):
    code, out, err = balmer("show", run, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {message}")
    assert err.count("\n") == 1


def test_what_is_no_run(balmer, tmp_path, planets):
    (tmp_path / "thesis").mkdir()
    assert balmer("show", "none") == (2, "", "Error: the run 'none' does not exist\n")
    message = "Error: the directory 'thesis' is not a run of Balmer: it has no config.toml\n"
    assert balmer("show", "thesis") == (2, "", message)
    assert balmer("show", planets)[2].endswith(
        "is a file; a run of Balmer is a directory, such as runs/planets-T\n"
    )
