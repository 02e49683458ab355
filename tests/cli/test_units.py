"""Units on the command line: what is read, what is said of them, and how it reads at 80 columns."""

import numpy as np

DEGC = "T [degC],R [kohm]\n" + "".join(
    f"{t},{10 * np.exp(3950 * (1 / (t + 273.15) - 1 / 298.15)):.6g}\n" for t in range(0, 100, 8)
)
FEW = ("--evaluations", 300, "--engine", "embedded")


def write(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def words(text):
    return " ".join(text.split())


def test_a_unit_with_an_offset_is_refused_only_where_it_is_needed(balmer, tmp_path):
    file = write(tmp_path, "degc.csv", DEGC)
    code, _, err = balmer("fit", file, "-t", "R", *FEW)
    assert code == 2
    assert "column 'T': 'degC' has an offset" in words(err)
    assert "--units T=1" in words(err)
    assert "--ignore-units" in words(err)
    for option in (("--ignore-units",), ("--units", "T=1")):
        code, out, err = balmer("fit", file, "-t", "R", *FEW, *option, "--out", f"run{len(option)}")
        assert (code, "R [kohm] =" in out) == (0, True), err
    code, out, _ = balmer("data", "describe", file)
    assert code == 0
    assert "degC" in out
    code, _, _ = balmer("data", "convert", file, tmp_path / "degc.parquet")
    assert code == 0
    code, out, _ = balmer("data", "describe", tmp_path / "degc.parquet")
    assert "degC" in out


def test_notes_come_before_the_search_and_name_the_option(balmer, tmp_path):
    rows = "".join(f"{t},{900 - 40 * t},{(901 - 40 * t) ** 0.5:.6f},9.81\n" for t in range(1, 20))
    file = write(tmp_path, "counts.csv", "t [s],N,dN,g\n" + rows)
    code, _, err = balmer("fit", file, "-t", "N", *FEW)
    assert code == 0
    assert "Note: column 'dN' reads like the uncertainty of 'N'" in words(err)
    assert "--sigma dN" in words(err)
    assert "column 'g' is 9.81 in every row" in words(err)
    assert err.index("'dN'") < err.index("power laws")
    code, _, err = balmer("fit", file, "-t", "N", "--sigma", "dN", "--features", "t", *FEW)
    assert code == 0
    assert "Note" not in err


def test_a_constant_with_a_unit_is_one_short_line(balmer, tmp_path):
    file = write(
        tmp_path,
        "rh.csv",
        "t [s],rh [%],y [m]\n" + "".join(f"{t},{40 + t * t},{3.217 * t}\n" for t in range(1, 8)),
    )
    code, out, _ = balmer("fit", file, "-t", "y", *FEW)
    assert code == 0
    assert "c1 = 3.217 m/s" in out
    assert "\n  c1 carries a unit (m/s)\n" in out
    assert "no formula can match" not in out
    assert "not fixed" not in out


def test_a_column_without_a_unit_is_named(balmer, tmp_path):
    rows = "".join(f"{t},{t % 5 + 1},{2 * t},{3.2 * t}\n" for t in range(1, 15))
    code, out, err = balmer("fit", write(tmp_path, "a.csv", "t [s],n,x [m],y [m]\n" + rows), "-t", "y", *FEW)
    assert code == 0
    assert "column 'n' has no unit: units are checked as far as the others say" in words(err)
    assert "the units hold" in out


def test_angles_read_in_radians(balmer, tmp_path):
    rows = "".join(f"{a},{12.5 * np.cos(np.radians(a)) ** 2}\n" for a in range(0, 180, 5))
    file = write(tmp_path, "deg.csv", "theta [deg],I [W/m^2]\n" + rows)
    code, out, _ = balmer("fit", file, "-t", "I", *FEW, "--out", "run")
    assert code == 0
    assert "with theta in rad (1 deg = 0.0174533)" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    code, out, _ = balmer("show", "run", "--json")
    assert '"reading": "theta in rad (1 deg = 0.0174533)"' in out
