"""The commands of the benchmarks run end to end on a table of one equation, and say what they leave out."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    monkeypatch.syspath_prepend(str(FOLDER))
    import feynman

    import search

    return feynman, search


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Kinetic energy."""
    (tmp_path / "equations.csv").write_text(
        "equation,target,formula,m,s,kg,T,V\nfall,E,m*v**2/2,2,-2,1,0,0\n"
    )
    (tmp_path / "variables.csv").write_text(
        "equation,variable,low,high,m,s,kg,T,V\nfall,m,1,2,0,0,1,0,0\nfall,v,1,5,1,-1,0,0,0\n"
    )
    return tmp_path


@pytest.mark.parametrize("units", ["--units", "--no-units"])
def test_feynman(
    commands: tuple[ModuleType, ModuleType], table: Path, units: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = table / "out.parquet"
    commands[0].main([str(table), units, "--time", "1", "--rows", "100", "--threads", "1", "--out", str(out)])
    rows = pd.read_parquet(out)
    assert rows[["equation", "best", "any", "stopped"]].to_numpy().tolist() == [
        ["fall", "exact", "exact", "target"]
    ]
    assert "| best | 1/1 | 0 | 0 | 0 |" in capsys.readouterr().out
    assert "| fall | exact | exact |" in out.with_suffix(".md").read_text()


def test_search_without_its_rivals(
    commands: tuple[ModuleType, ModuleType],
    table: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands[1].importlib.util, "find_spec", lambda name: None)
    commands[1].main([str(table), "--cpu", "1", "--threads", "1", "--seeds", "1", "--rows", "50"])
    shown = capsys.readouterr()
    assert "pyoperon is left out: it is not installed (pip install pyoperon)" in shown.err
    assert "pysr is left out: " in shown.err
    assert "| feynman | balmer | 1/1 | 1 |" in shown.out


def test_an_unknown_table_is_one_sentence(commands: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"cannot be read: .*variables\.csv"):
        commands[0].main([str(tmp_path)])


@pytest.mark.parametrize("kind", ["values", "derivatives", "look-ups of parts"])
def test_loops_that_run_twice_do_the_same_work(commands: tuple[ModuleType, ModuleType], kind: str) -> None:
    import hotspots

    data = hotspots.law_table("Compton", 100, 0)
    problem = hotspots.Problem(
        data, hotspots.SearchSpace(operators=hotspots.OPERATORS), hotspots.Objective(units="ignore")
    )
    once, twice = (hotspots._run(problem, 500, way)[1] for way in (None, hotspots._TWICE[kind]))
    assert once == twice
