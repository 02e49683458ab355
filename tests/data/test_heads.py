"""Heads of columns: units in brackets and parentheses are read, and what is none stays in the name and is told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer import Dataset
from balmer.cli import main
from balmer.data.heads import read_heads

X = np.arange(1.0, 7.0)

UNITS = [
    ("t (s)", "t", "s"),
    ("v (km/s)", "v", "km/s"),
    ("v [km/s]", "v", "km/s"),
    ("v[km/s]", "v", "km/s"),
    ("E(GeV)", "E", "GeV"),
    ("N (counts)", "N", "counts"),
    ("T (°C)", "T", "°C"),
    ("I (arb. units)", "I", "arb. units"),
    ("p (%)", "p", "%"),
    ("n (1/cm^3)", "n", "1/cm^3"),
    ("Q (J/(kg K))", "Q", "J/(kg K)"),
]
NAMES = [
    "log(M)",
    "log (M)",
    "exp(t)",
    "f(x)",
    "v(t)",
    "N(H)",
    "count (per day)",
    "M (max)",
    "x[0]",
    "x(1)",
    "(s)",
]


@pytest.mark.parametrize(("label", "name", "unit"), UNITS)
@pytest.mark.parametrize("strict", [True, False])
def test_a_head_with_a_unit(label, name, unit, strict):
    (header,), notes = read_heads([label], strict=strict)
    assert (header.name, header.unit, notes) == (name, unit, {})


@pytest.mark.parametrize("label", NAMES)
def test_a_head_that_is_a_name(label):
    (header,), _ = read_heads([label], strict=False)
    assert (header.name, header.unit) == (label, None)


def test_what_is_no_unit_is_said():
    for label in ("count (per day)", "M (max)", "v(t)", "y [foo]"):
        _, notes = read_heads([label], strict=False)
        assert "is not read as a unit and stays in the name" in notes[label]
    assert read_heads(["log(M)", "x[0]"], strict=False)[1] == {}


def test_a_unit_leaves_names_different_and_is_no_other_column():
    headers, _ = read_heads(["run (a)", "run (b)", "t", "v (t)"], strict=False)
    assert [h.name for h in headers] == ["run (a)", "run (b)", "t", "v (t)"]


def table():
    return pd.DataFrame({"t (s)": X, "log(M)": X[::-1], "N (per day)": X**2, "v [km/s]": X**3})


def formats(tmp_path, frame):
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_feather(tmp_path / "a.feather")
    yield lambda *a, **k: Dataset.from_pandas(frame, *a, **k)
    for end in ("csv", "tsv", "parquet", "feather"):
        yield lambda *a, end=end, **k: Dataset.from_file(tmp_path / f"a.{end}", *a, **k)


def test_every_format_reads_the_same_heads(tmp_path):
    for read in formats(tmp_path, table()):
        data = read("v")
        assert {name: unit and unit.text for name, unit in data.units.items()} == {
            "t": "s",
            "log(M)": None,
            "N (per day)": None,
            "v": "km/s",
        }
        assert data.notes
        assert "'N (per day)'" in data.notes[0]
        assert np.array_equal(data.y, X**3)
        assert (
            read("v [km/s]", features=["t (s)"], units={"t (s)": "ms"}).units["t"].text == "ms"
        )  # by the whole head
        assert read("v", features=["t"]).notes == ()  # of columns that take part


def test_blanks_between_columns_do_not_break_heads_in_parentheses(tmp_path):
    (tmp_path / "a.txt").write_text(
        "t (s)  v [m/s] N(H)\n" + "\n".join(f"{i} {i * i} {i}" for i in range(1, 6))
    )
    data = Dataset.from_file(tmp_path / "a.txt", "v")
    assert {name: unit and unit.text for name, unit in data.units.items()} == {
        "t": "s",
        "N(H)": None,
        "v": "m/s",
    }


names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8).map(str.strip)


@given(st.lists(names.filter(bool), min_size=2, max_size=4, unique=True), st.data())
def test_what_balmer_writes_keeps_its_names(tmp_path_factory, given_names, data):
    """Names that look like units, and units, come back from every format."""
    ends = st.sampled_from(["", " (s)", "(GeV)", " [m]", " (per day)"])
    labels = list(dict.fromkeys(name + data.draw(ends) for name in given_names))
    if len(labels) < 2:
        return
    units = {label: data.draw(st.sampled_from([None, "m", "%"])) for label in labels}
    made = Dataset.from_arrays(dict.fromkeys(labels[1:], X), X**2, target=labels[0], units=units)
    path = tmp_path_factory.mktemp("t")
    for write, file in (
        (made.to_parquet, "a.parquet"),
        (made.to_feather, "a.feather"),
        (made.to_csv, "a.csv"),
    ):
        write(path / file)
        again = Dataset.from_file(path / file, labels[0])
        assert {n: u and u.text for n, u in again.units.items()} == {
            n: u and u.text for n, u in made.units.items()
        }
        assert again.notes == ()
    assert Dataset.from_pandas(made.to_pandas()).units == made.units
    assert Dataset.from_arrow(made.to_arrow()).units == made.units


def test_describe_says_what_is_no_unit(tmp_path, capsys):
    table().to_csv(tmp_path / "a.csv", index=False)
    assert main(["data", "describe", str(tmp_path / "a.csv")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Note: column 'N (per day)': '(per day)' is not read as a unit" in out
    assert "km/s" in out
