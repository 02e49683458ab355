"""The demo finds the three laws and sets their constants beside the published ones."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from balmer.search.run import load_run

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


@pytest.fixture
def demo(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "demo", module)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return module


def test_the_three_laws(demo, capsys, monkeypatch):
    hydrogen, planets, hubble = demo.STORIES
    quick = [replace(story, evaluations=5000) for story in (planets, hubble)]  # they need few
    monkeypatch.setattr(demo, "STORIES", (hydrogen, *quick))
    assert demo.main() == 0
    out = capsys.readouterr().out
    assert out.count("This is the known law") == 3
    assert "The Balmer series of hydrogen, from H-alpha (n = 3) to H-eta (n = 9)" in out
    assert "  B = 364.59962 ± 0.00054 nm, from these 7 rows" in out
    assert "  B = 364.56 nm, Balmer (1885)\n    the fit is 0.011 % above" in out
    assert "  c = 365.04 ± 0.47 day/AU^(3/2), from these 8 rows" in out
    assert "  H = 424 ± 46 km/s/Mpc, from these 24 rows" in out
    n = np.arange(3.0, 10.0)
    law = load_run("runs/hydrogen").front.best
    np.testing.assert_allclose(law.predict({"n": n}) * (n**2 - 4) / n**2, 364.59962, rtol=1e-7)


def test_another_law_is_not_passed_off_as_the_known_one(demo, capsys, monkeypatch):
    story = replace(demo.STORIES[0], evaluations=100, law="lambda = B n", form=lambda n: n)
    monkeypatch.setattr(demo, "STORIES", (story,))
    assert demo.main() == 0
    assert "This is not the known law, lambda = B n." in capsys.readouterr().out


def test_no_law_is_a_failure(demo, capsys, monkeypatch):
    from balmer.search import Front

    def nothing(*arguments):
        return Front(()), False, 1.0

    monkeypatch.setattr(sys.modules["balmer.search.discover"], "_front", nothing)
    monkeypatch.setattr(demo, "STORIES", (replace(demo.STORIES[1], evaluations=100),))
    assert demo.main() == 1
    assert "No law was found." in capsys.readouterr().out


def test_a_missing_table_is_one_sentence(demo, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "DATA", tmp_path)
    assert demo.main() == 2
    assert capsys.readouterr().err == f"Error: file '{tmp_path / 'hydrogen.parquet'}' does not exist\n"
