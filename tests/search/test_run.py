"""A run on disk is whole at every moment, is read back exactly, and repeats the search."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from balmer.data import Dataset
from balmer.engines import Candidate, Objective, Problem, Progress, SearchSpace
from balmer.errors import BalmerError, ConfigError, DataError
from balmer.expressions import parse
from balmer.search import discover
from balmer.search.run import Run, check_destination, load_run

A = np.array([0.387, 0.723, 1.0, 1.524, 5.203, 9.537, 19.19, 30.07])
T = 365.25 * A**1.5 + np.array([0.1, -0.2, 0.1, 0.3, -0.5, 2.0, -9.0, 7.0])


def problem(**options):
    data = Dataset.from_arrays({"a": A}, T, target="T", units={"a": "AU", "T": "day"}, name="planets")
    return Problem(data, **options)


def awkward():
    """Names that mean something elsewhere, a column without a unit, uncertainties, an operator of one's own."""
    x = np.linspace(-2.0, 2.0, 40)
    y = 3.0 * np.exp(-(x**2)) + 0.01 * np.cos(37.0 * x)
    X = {"v/c": x, "lambda": x**3, "β": np.cos(x)}
    data = Dataset.from_arrays(X, y, target="I", sigma=np.full(40, 0.01), units={"v/c": "1"})
    space = SearchSpace.read({"operators": "+ - * / exp", "custom_operators": "gauss(x) = exp(-x**2)"})
    return Problem(data, space, Objective(units="ignore"))


def report(asked, *texts, **more):
    candidates = []
    for text in texts:
        e = parse(text, asked.dataset.feature_names)
        loss = float(np.sum(asked.weights * (e.evaluate(asked.X) - asked.y) ** 2))
        candidates.append(Candidate(e, loss, asked.space.complexity.of(e)))
    candidates.sort(key=lambda c: -c.loss)
    return Progress("evolution", 100, 1.0, 0.5, tuple(candidates), **more)


def assert_same(law, other):
    for field in fields(law):
        a, b = getattr(law, field.name), getattr(other, field.name)
        if field.name == "covariance":
            a, b = (a.shape, a.tobytes()), (b.shape, b.tobytes())
        assert a == b, field.name


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "planets"
    asked = problem()
    run = Run.create(path, asked, {"seed": 3, "budget": {"evaluations": 2000}})
    found = discover(asked, evaluations=2000, seed=3, on_progress=run.record)
    run.finish(found)
    return path, found


@pytest.mark.parametrize("asked", [problem, awkward])
def test_laws_come_back_bit_for_bit(asked, tmp_path):
    asked = asked()
    found = discover(asked, evaluations=2000, seed=1)
    run = Run.create(tmp_path / "run", asked)
    run.finish(found)
    loaded = load_run(tmp_path / "run")
    assert len(loaded.front) == len(found.front) > 1
    for law, other in zip(found.front, loaded.front, strict=True):
        assert_same(law, other)
        assert law.predict(asked.dataset).tobytes() == other.predict(asked.dataset).tobytes()
        assert (str(law), law.latex()) == (str(other), other.latex())
    assert loaded.front.best_index == found.front.best_index
    assert loaded.schema == asked.dataset.schema()
    assert loaded.stopped == "evaluations"
    assert loaded.provenance["evaluations"] == found.provenance["evaluations"]


def test_the_table_is_readable_without_balmer(finished):
    path, found = finished
    frame = parquet.read_table(path / "front.parquet").to_pandas()
    expected = found.front.to_pandas()
    for name in expected.columns.drop("formula"):
        assert frame[name].tolist() == expected[name].tolist(), name
    texts = [parse(text, ["a"]) for text in frame["formula"]]
    x = np.array([[2.0, 3.0]])
    for law, e in zip(found.front, texts, strict=True):
        np.testing.assert_array_equal(e.evaluate(x), law.expression.evaluate(x))
    assert frame["latex"].tolist() == [law.latex() for law in found.front]


def test_the_state_goes_on_to_what_the_unbroken_search_gives(finished):
    path, found = finished
    state = load_run(path).state()
    assert set(state) == set(found.state)
    for name, array in found.state.items():
        assert state[name].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(state[name], array)
    again, other = (discover(problem(), evaluations=1000, state=s) for s in (state, found.state))
    assert [law.text(None) for law in again.front] == [law.text(None) for law in other.front]


def test_settings_are_kept_in_full(tmp_path):
    asked = awkward()
    Run.create(tmp_path / "run", asked, {"seed": 7, "threads": None, "budget": {"seconds": 2.5}})
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert config["target"] == "I"
    assert config["features"] == ["v/c", "lambda", "β"]
    assert config["sigma"] == "uncertainty"
    assert config["seed"] == 7
    assert config["budget"] == {"seconds": 2.5}
    assert "threads" not in config
    assert SearchSpace.read(config["space"]) == asked.space
    assert Objective.read(config["objective"]) == asked.objective


def test_the_log_tells_the_story(finished):
    path, found = finished
    log = load_run(path).log
    assert log[0]["event"] == "start"
    assert log[0]["data"] == found.provenance["data"]
    assert [e["stage"] for e in log if e["event"] == "stage"][:2] == ["power laws", "small formulas"]
    assert log[-1]["event"] == "end"
    assert log[-1]["laws"] == len(found.front)
    assert log[-1]["chosen"] == found.best.text(digits=None)
    assert log[-1]["seed"] == 3
    assert [e["time"] for e in log] == sorted(e["time"] for e in log)


def test_the_log_notes_only_what_is_better(tmp_path):
    asked = problem()
    run = Run.create(tmp_path / "run", asked)
    for formula in ("1800.0*a", "1811.0*a", "1800.0*a", "365.0*a**(3/2)"):
        run.record(report(asked, formula))
    better = [event for event in load_run(tmp_path / "run").log if event["event"] == "improved"]
    assert [event["formula"] for event in better] == ["1800.0*a", "1811.0*a", "365.0*a**(3/2)"]
    assert [event["complexity"] for event in better] == [4, 4, 6]
    assert better[-1]["loss"] == pytest.approx(np.mean((T - 365.0 * A**1.5) ** 2))


def test_a_front_is_saved_in_passing(tmp_path):
    asked = problem()
    run = Run.create(tmp_path / "run", asked, every=0.0)
    run.record(Progress("small formulas"))
    with pytest.raises(
        DataError, match=r"run '.*run' has no front: its search has not found or not yet saved"
    ):
        load_run(tmp_path / "run")
    run.record(report(asked, "1800.0*a", "365.0*a**(3/2)"))
    first = load_run(tmp_path / "run")
    assert first.stopped is None
    assert first.provenance == {}
    assert [law.text() for law in first.front] == ["1800.0*a", "365.0*a**(3/2)"]
    # Judged with the constants as they are, with errors and units like the laws of a finished search.
    best = first.front[1]
    assert best.loss == pytest.approx(np.mean((T - 365.0 * A**1.5) ** 2), rel=1e-9)
    assert str(best.constants[0].unit) == "day/AU^(3/2)"
    assert 0 < best.constants[0].error < 2
    with pytest.raises(DataError, match="has no state to go on from"):
        first.state()

    run.record(report(asked, "1811.0*a"))
    assert [law.text() for law in load_run(tmp_path / "run").front] == ["1811.0*a"]


def test_between_two_fronts_saved_in_passing_some_time_passes(tmp_path):
    asked = problem()
    run = Run.create(tmp_path / "run", asked, every=3600.0)
    run.record(report(asked, "1800.0*a"))
    run.record(report(asked, "365.0*a**(3/2)"))
    assert [law.text() for law in load_run(tmp_path / "run").front] == ["1800.0*a"]
    run.record(report(asked, "365.0*a**(3/2)"), save=True)
    assert [law.text() for law in load_run(tmp_path / "run").front] == ["365.0*a**(3/2)"]


def test_of_a_long_table_a_sample_judges_the_front_in_passing(tmp_path):
    x = np.linspace(1.0, 2.0, 100_000)
    weights = np.where(np.arange(100_000) % 2, 1.0, 0.0)
    y = np.where(weights > 0, 2.0 * x + 0.1 * np.sin(1e6 * x), 1e9)
    asked = Problem(Dataset.from_arrays({"x": x}, y, weights=weights))
    run = Run.create(tmp_path / "run", asked)
    run.record(report(asked, "2.0*x"))
    law = load_run(tmp_path / "run").front[0]
    assert law.loss == pytest.approx(0.005, rel=0.1)  # rows of no weight are not in the sample


def test_a_search_without_any_law_is_a_run_too(tmp_path):
    data = Dataset.from_arrays({"x": A}, T, target="y", units={"x": "kg", "y": "s"})
    asked = Problem(data, SearchSpace(operators=("sin",), max_complexity=2, max_constants=0))
    found = discover(asked, evaluations=100)
    assert len(found.front) == 0
    run = Run.create(tmp_path / "run", asked)
    run.finish(found)
    assert len(load_run(tmp_path / "run").front) == 0


def test_only_a_run_is_replaced_and_only_if_wanted(tmp_path):
    asked = problem()
    run = tmp_path / "run"
    Run.create(run, asked, {"seed": 1}).record(report(asked, "1800.0*a"))
    (run / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"the run '.*run' exists already; .* --overwrite"):
        Run.create(run, asked)
    assert len(load_run(run).front) == 1
    Run.create(run, asked, {"seed": 2}, overwrite=True)
    assert not (run / "front.parquet").exists()
    assert (run / "notes.txt").read_text() == "mine"
    assert tomllib.loads((run / "config.toml").read_text())["seed"] == 2

    other = tmp_path / "other"
    other.mkdir()
    Run.create(other, asked)  # an empty directory is free
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "config.toml").write_text("")
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="thesis' is not empty and not a run of Balmer"):
            Run.create(tmp_path / "thesis", asked, overwrite=overwrite)
        with pytest.raises(ConfigError, match=r"notes.txt' exists and is not a directory"):
            check_destination(run / "notes.txt", overwrite=overwrite)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["config.toml"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"the run '.*x' cannot be written: Not a directory") as caught:
        Run.create(tmp_path / "file" / "x", problem())
    assert "\n" not in str(caught.value)


def test_runs_of_one_name_are_numbered(tmp_path):
    paths = [Run.create(tmp_path / "a" / "run", problem(), numbered=True).path for _ in range(3)]
    assert [path.name for path in paths] == ["run", "run-2", "run-3"]
    assert all((path / "config.toml").is_file() for path in paths)


def test_a_write_that_fails_leaves_the_front_as_it_was(tmp_path, monkeypatch):
    asked = problem()
    run = Run.create(tmp_path / "run", asked, every=0.0)
    run.record(report(asked, "1800.0*a"))
    before = (tmp_path / "run" / "front.parquet").read_bytes()

    def half_a_file(front, file):
        file.write(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("balmer.search.run.write_front", half_a_file)
    run.record(report(asked, "365.0*a**(3/2)"))  # the search goes on
    assert (tmp_path / "run" / "front.parquet").read_bytes() == before
    found = discover(asked, evaluations=100)
    with pytest.raises(DataError, match=r"run '.*run' cannot be written: No space left on device"):
        run.finish(found)
    assert (tmp_path / "run" / "front.parquet").read_bytes() == before
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert load_run(tmp_path / "run").stopped is None


KILLED = """
import sys, os, signal
import numpy as np
from test_run import problem, report
from balmer.search import run as module
run = module.Run.create(sys.argv[1], problem(), every=0.0)
run.record(report(problem(), "1800.0*a"))
write = module.write_front
def write_and_die(front, file):
    write(front, file)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
module.write_front = write_and_die
run.record(report(problem(), "365.0*a**(3/2)"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_kill_amid_a_write_leaves_the_last_front(tmp_path):
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "run")], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [law.text() for law in load_run(tmp_path / "run").front] == ["1800.0*a"]


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"the run '.*none' does not exist"):
        load_run(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file' is a file; a run of Balmer is a directory"):
        load_run(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"is not a run of Balmer: it has no config.toml"):
        load_run(tmp_path)
    (tmp_path / "config.toml").write_text("")
    with pytest.raises(ConfigError, match=r"is not a run of Balmer: it has no data.json"):
        load_run(tmp_path)


def foreign_front(path):
    parquet.write_table(pa.table({"x": [1]}), path)


def changed_front(change):
    def make(path):
        table = parquet.read_table(path)
        parquet.write_table(change(table), path)

    return make


def with_metadata(**changes):
    def change(table):
        shared = json.loads(table.schema.metadata[b"balmer"]) | changes
        return table.replace_schema_metadata({b"balmer": json.dumps(shared).encode()})

    return change


def with_unknown_operator(table):
    ops = pa.array([["frobnicate"]] * table.num_rows)
    return table.set_column(table.column_names.index("ops"), "ops", ops)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("front.parquet", b"PAR1 and no more", r"front.parquet' is damaged or no Parquet file: "),
        ("front.parquet", foreign_front, r"front.parquet' is no front of laws: it was not written by Balmer"),
        (
            "front.parquet",
            changed_front(with_metadata(format=99)),
            "has the format 99, this version of Balmer reads 1",
        ),
        ("front.parquet", changed_front(with_metadata(target=None)), r"front.parquet' is damaged: TypeError"),
        ("front.parquet", changed_front(lambda t: t.drop_columns("ops")), "is damaged: KeyError: 'ops'"),
        ("front.parquet", changed_front(with_unknown_operator), "is damaged: KeyError: 'frobnicate'"),
        ("config.toml", b"seed = ", r"config.toml' is damaged: Invalid value"),
        ("config.toml", b"\xff\xfe", r"config.toml' is damaged: 'utf-8' codec"),
        ("data.json", b"[1]", r"data.json' is damaged: it holds no table"),
        ("data.json", b"{", r"data.json' is damaged: "),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, damage, message):
    asked = problem()
    path = tmp_path / "run"
    Run.create(path, asked).record(report(asked, "1800.0*a"))
    load_run(path)
    if isinstance(damage, bytes):
        (path / name).write_bytes(damage)
    else:
        damage(path / name)
    with pytest.raises(BalmerError, match=message) as caught:
        load_run(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_state_is_named(finished, tmp_path):
    path, _ = finished
    loaded = load_run(path)
    file = path / "state" / "engine.npz"
    whole = file.read_bytes()
    try:
        for damaged in (b"", b"PK\x03\x04", whole[: len(whole) // 2], b"\x80\x04K\x01."):
            file.write_bytes(damaged)
            with pytest.raises(DataError, match=r"engine.npz' is damaged"):
                loaded.state()
    finally:
        file.write_bytes(whole)


def test_a_state_of_python_objects_is_not_saved(tmp_path, finished):
    _, found = finished
    run = Run.create(tmp_path / "run", problem())
    object.__setattr__(found, "state", dict(found.state))
    found.state["pickled"] = np.array([{}], dtype=object)
    try:
        with pytest.raises(TypeError, match="the state 'pickled' of an engine holds Python objects"):
            run.finish(found)
    finally:
        del found.state["pickled"]


def test_a_torn_line_of_the_log_is_passed_over(tmp_path):
    asked = problem()
    Run.create(tmp_path / "run", asked).record(report(asked, "1800.0*a"))
    with (tmp_path / "run" / "log.jsonl").open("a") as file:
        file.write('{"event": "impro')
    assert load_run(tmp_path / "run").log[-1]["event"] == "improved"
