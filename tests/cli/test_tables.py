"""`balmer data`: describe and convert keep what is known of the columns."""

import pytest

from balmer.data import Role, columns_of, read_table


def known(path):
    table = read_table(path)
    return {c.name: (c.unit and c.unit.text, c.role, c.description) for c in columns_of(table)}


def test_describe(balmer, planets):
    code, out, err = balmer("data", "describe", planets)
    assert (code, err) == (0, "")
    assert out.startswith(
        "planets, 8 rows\nSize and period of the orbits of the eight planets of the Sun\nSource: NASA"
    )
    lines = out.splitlines()
    assert next(line for line in lines if line.startswith("a ")).split()[:6] == [
        "a", "feature", "AU", "0.387099", "3.36351", "30.069",
    ]  # fmt: skip
    assert "missing" not in out
    assert max(map(len, lines)) <= 80


def test_describe_counts_missing_cells_and_tries_units(balmer, tmp_path):
    (tmp_path / "t.csv").write_text("x,y [m],name\n1,2,a\n,3,b\n3,nan,c\n,4,d\n")
    code, out, _ = balmer("data", "describe", "t.csv", "--units", "x=km/s")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["t,", "4", "rows"]
    assert rows[1] == ["column", "role", "unit", "min", "median", "max", "missing"]
    assert rows[2] == ["x", "feature", "km/s", "1", "2", "3", "2"]
    assert rows[3] == ["y", "feature", "m", "2", "3", "4", "1"]
    assert rows[4] == ["name", "feature", "?", "-", "-", "-", "0"]


def test_convert_there_and_back(balmer, planets, tmp_path):
    assert balmer("data", "convert", planets, "p.csv") == (
        0,
        "Wrote p.csv: 8 rows, 3 columns, 2 with a unit.\n",
        "",
    )
    assert (tmp_path / "p.csv").read_text().startswith("planet,a [AU],T [day]\n")
    balmer("data", "convert", "p.csv", "p.tsv")
    balmer("data", "convert", "p.tsv", "p.feather")
    balmer("data", "convert", "p.feather", "q.parquet")
    assert read_table("q.parquet").to_pydict() == read_table(planets).to_pydict()
    assert {name: unit for name, (unit, _, _) in known("q.parquet").items()} == {
        "planet": None,
        "a": "AU",
        "T": "day",
    }
    balmer("data", "convert", planets, "all.feather")
    assert known("all.feather") == known(planets)


def test_convert_adds_what_is_told(balmer, tmp_path):
    (tmp_path / "t.csv").write_text("t,v/c,h\n1,0.1,5\n2,0.2,20\n")
    code, _, _ = balmer(
        "data", "convert", "t.csv", "t.parquet", "--units", "t=s,v/c=1", "--units", "h=m", "--target", "h",
        "--description", "h=height, measured = fallen", "--description", "t=time",
    )  # fmt: skip
    assert code == 0
    assert known("t.parquet") == {
        "t": ("s", Role.FEATURE, "time"),
        "v/c": ("1", Role.FEATURE, ""),
        "h": ("m", Role.TARGET, "height, measured = fallen"),
    }
    balmer("data", "convert", "t.parquet", "u.parquet", "--target", "t")
    assert [role for _, role, _ in known("u.parquet").values()] == [Role.TARGET, Role.FEATURE, Role.FEATURE]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "none.csv"], "file 'none.csv' does not exist"),
        (["describe", "t.csv", "--units", "x=metr"], "column 'x': unknown unit 'metr'; did you mean"),
        (["describe", "t.csv", "--units", "x"], "option --units = 'x': accepted is COLUMN=..., such as a=AU"),
        (["convert", "none.csv", "new.csv"], "file 'none.csv' does not exist"),
        (
            ["convert", "t.csv", "new.xlsx"],
            "file 'new.xlsx' ends in '.xlsx', an unknown format; accepted are",
        ),
        (
            ["convert", "t.csv", "t.csv"],
            "file 't.csv' exists already; choose another name or give --overwrite",
        ),
        (
            ["convert", "t.csv", "no/new.csv"],
            "file 'no/new.csv' cannot be written: No such file or directory",
        ),
        (["convert", "t.csv", "new.csv", "--units", "z=m"], "a unit is given for the column 'z', which file"),
        (["convert", "t.csv", "new.csv", "--target", "z"], "a role is given for 'z', which is no column"),
        (
            ["convert", "t.csv", "new.csv", "--description", "x"],
            "option --description = 'x': accepted is COLUMN=TEXT",
        ),
        (
            ["convert", "t.csv", "new.csv", "--description", "z=x"],
            "a description is given for 'z', which is no",
        ),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(balmer, tmp_path, arguments, message):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    code, out, err = balmer("data", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {message}")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text() == "x,y\n1,2\n"


def test_convert_in_place_when_wanted(balmer, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    assert balmer("data", "convert", "t.csv", "t.csv", "--units", "x=m", "--overwrite")[0] == 0
    assert (tmp_path / "t.csv").read_text() == "x [m],y\n1,2\n"
