"""`balmer fit`: a table in, a front on the terminal, a run on disk; nothing at all after a mistake."""

import json
import signal
import sys
import tomllib

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from balmer.data import Dataset
from balmer.search import discover
from balmer.search.run import load_run

SMALL = ("--evaluations", "2000", "--seed", "1")


def csv(path, rows, header):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_a_fit_shows_the_front_and_writes_the_run(balmer, planets):
    code, out, err = balmer("fit", planets, *SMALL)
    assert code == 0
    run = load_run("runs/planets-T")
    expected = discover(Dataset.from_parquet(planets), evaluations=2000, seed=1)
    assert [law.text(None) for law in run.front] == [law.text(None) for law in expected.front]
    # The table: one numbered row per law, the chosen one marked.
    lines = out.splitlines()
    for i, law in enumerate(run.front):
        mark = "*" if law is run.front.best else " "
        row = f"{mark}{i}  {law.complexity:>7}  {len(law.constants):>6}  {law.loss:.3e}"
        assert any(row in line for line in lines), row
    assert "T [day] =" in out
    # The chosen law in full, with error and unit.
    best = run.front.best
    assert "T = c1*a**(3/2)" in out
    assert f"    c1 = {best.constants[0].value:.2f} ± {best.constants[0].error:.2f} day/AU^(3/2)" in lines
    assert "  c1 carries a unit (day/AU^(3/2))" in lines
    assert "no formula can match" not in out
    assert "Written to runs/planets-T; see balmer show runs/planets-T" in lines
    # Neither is a terminal: plain lines of progress, no control codes, and nothing wider than asked.
    assert [stage for stage in ("power laws", "small formulas", "refit") if stage not in err] == []
    assert "\x1b" not in out + err
    assert max(map(len, lines)) <= 80


def test_the_config_of_a_run_repeats_it(balmer, planets):
    balmer("fit", planets, *SMALL, "--operators", "+ - * /", "--max-complexity", "12", "--out", "runs/one")
    code, _, _ = balmer("fit", "--config", "runs/one/config.toml", "--out", "runs/two")
    assert code == 0
    one, two = load_run("runs/one"), load_run("runs/two")
    assert one.config == two.config
    assert [law.text(None) for law in one.front] == [law.text(None) for law in two.front]
    assert max(law.complexity for law in one.front) <= 12
    code, _, _ = balmer("fit", "--config", "runs/one/config.toml", "--seed", "2", "--out", "runs/three")
    assert load_run("runs/three").config == one.config | {"seed": 2}


def test_every_setting_arrives(balmer, tmp_path):
    rng = np.random.default_rng(0)
    x = np.linspace(0.5, 3.0, 30)
    rows = np.column_stack([x, x**2, np.cos(x), np.exp(-(x**2)) + 1e-3 * rng.normal(size=30), 0.001 + 0 * x])
    rows[3, 0] = np.nan
    table = csv(tmp_path / "line.csv", rows, '"nu, shifted",b,c,I [W],dI [mW]')
    settings = tmp_path / "search.toml"
    settings.write_text(
        """
        file = "line.csv"
        target = "c"
        sigma = "dI"
        features = ["b", "nu, shifted"]
        units = { b = "Hz^2" }
        missing = "drop"
        seed = 5
        evaluations = 1000
        start = "exp(`nu, shifted`*c)"
        [space]
        operators = ["*", "exp"]
        custom_operators = ["gauss(x) = exp(-x**2)"]
        max-constants = 3
        [budget]
        target_loss = 1e-9
        """
    )
    code, _, err = balmer(
        "fit", "-c", settings, "-t", "I", "--ignore-units", "--features", '"nu, shifted",c',
        "--units", "nu, shifted=Hz", "--units", "I=W,c=1", "--threads", "1", "--engine", "embedded",
        "--custom", "half(x) = x/2", "--max-complexity", "9", "--time", "1h",
    )  # fmt: skip
    assert (code, err.count("Error")) == (0, 0)
    run = load_run("runs/line-I")
    assert run.config["file"] == str(table)
    assert (run.config["target"], run.config["features"]) == ("I", ["nu, shifted", "c"])
    assert (run.config["sigma"], run.config["missing"]) == ("dI", "drop")
    assert run.config["units"] == {"b": "Hz^2", "nu, shifted": "Hz", "I": "W", "c": "1"}
    assert run.config["start"] == ["exp(`nu, shifted`*c)"]
    assert (run.config["seed"], run.config["threads"], run.config["engine"]) == (5, 1, "embedded")
    assert run.config["objective"]["units"] == "ignore"
    space = run.config["space"]
    assert space["operators"] == ["mul", "exp"]
    assert space["custom_operators"] == ["half(x) = x/2"]
    assert (space["max_complexity"], space["max_constants"]) == (9, 3)
    assert run.config["budget"] == {"seconds": 3600.0, "evaluations": 1000, "target_loss": 1e-9}
    assert run.schema["dropped_rows"] == 1
    assert [c["unit"] for c in run.schema["columns"]] == ["Hz", "1", "W", "W"]
    assert max(law.complexity for law in run.front) <= 9
    assert {op for law in run.front for op in law.expression.operators} <= {"mul", "exp", "div"}


def test_weights_and_units_of_the_header(balmer, tmp_path):
    rows = [(t, 4.9 * t * t if t < 9 else 1e6, 1.0 if t < 9 else 0.0) for t in range(1, 11)]
    table = csv(tmp_path / "fall.csv", rows, "t [s],h [m],w")
    code, out, _ = balmer("fit", table, "--target", "h", "--weights", "w", *SMALL)
    assert code == 0
    run = load_run("runs/fall-h")
    assert run.config["weights"] == "w"
    assert run.front.best.text() == "4.9*t**2"
    assert "c1 = 4.9 m/s²" in out or "c1 = 4.9 m/s^2" in out


def test_runs_do_not_overwrite_each_other(balmer, planets):
    for _ in range(2):
        assert balmer("fit", planets, *SMALL)[0] == 0
    assert load_run("runs/planets-T").config == load_run("runs/planets-T-2").config
    code, out, err = balmer("fit", planets, *SMALL, "--out", "runs/planets-T")
    assert (code, out) == (2, "")
    assert err == (
        "Error: the run 'runs/planets-T' exists already; choose another name or replace it with --overwrite "
        "(overwrite=True)\n"
    )
    code, _, _ = balmer("fit", planets, "--evaluations", "1000", "--out", "runs/planets-T", "--overwrite")
    assert code == 0
    assert load_run("runs/planets-T").config["budget"] == {"evaluations": 1000}


def test_a_column_name_cannot_lead_out_of_runs(balmer, tmp_path):
    table = csv(tmp_path / "my table.csv", [(i, i * i) for i in range(1, 9)], "x,../../v/c")
    assert balmer("fit", table, "--target", "../../v/c", *SMALL)[0] == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["my_table-.._.._v_c"]


TOML = "search.toml"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "TT"], "has no column 'TT'; did you mean 'T'? The columns are 'planet', 'a', 'T'"),
        (["--features", "a,b"], "has no column 'b'; the columns are 'planet', 'a', 'T'"),
        (["--sigma", "dT"], "has no column 'dT'; did you mean 'T'?"),
        (["--features", "planet"], "column 'planet' is not numeric: row 1 holds 'Mercury'"),
        (["--units", "a=parsek"], "column 'a': unknown unit 'parsek'; did you mean 'parsec'?"),
        (["--units", "b=m"], "a unit is given for the column 'b', which file"),
        (["--units", "AU"], "option --units = 'AU': accepted is COLUMN=..., such as a=AU"),
        (["--missing", "skip"], "missing='skip' is not accepted; accepted are 'error' and 'drop'"),
        (["--operators", "+ foo"], "there is no operator 'foo': known are add sub mul"),
        (["--operators", "+ sqr"], "there is no operator 'sqr': did you mean"),
        (["--custom", "gauss"], "a custom operator is defined like 'gauss(x) = exp(-x**2)'"),
        (["--start", "a +"], "in the formula 'a +'"),
        (["--start", "b**2"], "there is no column 'b'; known are a"),
        (["--max-complexity", "0"], "option --max-complexity = '0': a whole number from 1 is accepted"),
        (
            ["--max-complexity", "999"],
            "option max_complexity = 999: Input should be less than or equal to 200",
        ),
        (["--time", "soon"], "option time = 'soon': accepted are seconds, or a text such as"),
        (["--evaluations", "many"], "option --evaluations = 'many': a whole number from 1 is accepted"),
        (["--target-loss", "x"], "option --target-loss = 'x': a number is accepted"),
        (["--seed", "-1"], "option --seed = '-1': a whole number from 0 is accepted"),
        (["--seed", "1.5"], "option --seed = '1.5': a whole number from 0 is accepted"),
        (["--threads", "0"], "option --threads = '0': a whole number from 1 is accepted"),
        (["--engine", "warp"], "there is no engine 'warp' in this version; accepted are 'auto'"),
        (["--out", "."], "the directory '.' is not empty and not a run of Balmer"),
        (["--out", TOML], "'search.toml' exists and is not a directory"),
        (["--out", f"{TOML}/run"], "the run 'search.toml/run' cannot be written: Not a directory"),
        (["--config", "none.toml"], "the settings file 'none.toml' does not exist"),
        (["--config", "."], "the settings file '.' cannot be read: Is a directory"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(balmer, planets, tmp_path, arguments, message):
    (tmp_path / TOML).write_text("")
    code, out, err = balmer("fit", planets, "--evaluations", "100", *arguments)
    assert (code, out) == (2, "")
    sentence = err.splitlines()[-1]
    assert sentence.startswith("Error: ")
    assert message in sentence
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == [TOML]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none.parquet", "file 'none.parquet' does not exist"),
        (".", "'.' is not a file"),
        ("bad.parquet", "file 'bad.parquet' is not a Parquet file"),
        ("empty.csv", "file 'empty.csv' is empty"),
        ("short.csv", "file 'short.csv' has 2 rows; at least 4 are needed"),
        ("hole.csv", "column 'x': row 2 is empty or NaN; pass missing='drop' (--missing drop)"),
        ("flat.csv", "the target 'y' is 1 in every row; there is no law to find"),
        ("minus.csv", "uncertainty column 'x': row 1 holds -1; uncertainties must be positive"),
    ],
)
def test_a_bad_table_is_one_sentence_and_leaves_nothing(balmer, tmp_path, file, message):
    tables = {
        "bad.parquet": "no Parquet",
        "empty.csv": "",
        "short.csv": "x,y\n1,2\n2,3\n",
        "hole.csv": "x,y\n1,2\n,3\n3,4\n4,5\n5,6\n",
        "flat.csv": "x,y\n1,1\n2,1\n3,1\n4,1\n",
        "minus.csv": "z,x,y\n1,-1,2\n2,1,3\n3,1,4\n4,1,5\n",
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    extra = ["--sigma", "x"] if file == "minus.csv" else []
    code, out, err = balmer("fit", file, "--target", "y", *SMALL, *extra)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {message}")
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(tables)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target = ", "the settings file 'search.toml' is not TOML: Invalid value"),
        ('tagret = "T"', "there is no option 'tagret' in 'search.toml': did you mean 'target'?"),
        ('colour = "T"', "there is no option 'colour' in 'search.toml': known are budget, custom, engine,"),
        ("target = 3", "option target = 3 in 'search.toml': a text is accepted"),
        ("features = [1]", "option features = [1] in 'search.toml': a text or a list of texts is accepted"),
        ("units = { a = 1 }", "option units in 'search.toml': units are texts, such as a = \"AU\""),
        ("seed = true", "option seed = True in 'search.toml': a whole number from 0 is accepted"),
        ("seed = 1.5", "option seed = 1.5 in 'search.toml': a whole number from 0 is accepted"),
        ("time = true", "option time = True in 'search.toml': seconds, or a text such as"),
        ("time = -3", "option time = -3: Input should be greater than 0"),
        ("ignore_units = 1", "option ignore_units = 1 in 'search.toml': true or false is accepted"),
        ("space = 3", "'space' in 'search.toml' is not a section; write [space]"),
        ("[space]\nmax_size = 3", "there is no option 'max_size' of [space] in 'search.toml':"),
        (
            "[space]\noperator = '+'",
            "there is no option 'operator' of [space] in 'search.toml': did you mean",
        ),
        ("[space]\nmax_depth = 'x'", "option max_depth = 'x': Input should be a valid integer"),
        (
            "[objective]\nunits = 'maybe'",
            "option units = 'maybe': Input should be 'auto', 'forbid', 'penalise' or 'ignore'",
        ),
        ("[budget]\nseconds = 'x'", "option time = 'x': accepted are seconds, or a text such as"),
        ("time = 3\n[budget]\nseconds = 3", "option seconds in 'search.toml' is given twice"),
    ],
)
def test_a_mistake_in_the_settings_file_is_named(balmer, planets, tmp_path, text, message):
    (tmp_path / "search.toml").write_text(text)
    code, out, err = balmer("fit", planets, "--config", "search.toml")
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {message}")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["search.toml"]


def test_a_disk_that_fills_up_does_not_hide_the_laws(balmer, planets, monkeypatch):
    def full(front, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("balmer.search.run.write_front", full)
    code, out, err = balmer("fit", planets, *SMALL)
    assert code == 2
    assert "T = c1*a**(3/2)" in out
    assert "Written" not in out
    assert err.endswith("Error: the run 'runs/planets-T' cannot be written: No space left on device\n")


def test_a_fault_of_ours_keeps_its_traceback(balmer, planets, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(sys.modules["balmer.search.discover"], "discover", broken)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        balmer("fit", planets, *SMALL)


def test_names_that_sympy_and_rich_would_misread(balmer, tmp_path):
    e = np.arange(1.0, 12.0)
    table = tmp_path / "odd.parquet"
    parquet.write_table(pa.table({"E": e, "[bold]x[/bold]": 2 * e, ":smile: λ": 3 * e * e / (1 + e)}), table)
    code, out, _ = balmer("fit", table, "--target", ":smile: λ", "--features", "E,[bold]x[/bold]", *SMALL)
    assert code == 0
    assert ":smile: λ" in out
    assert "`:smile: λ` =" in out
    run = next((tmp_path / "runs").iterdir())
    code, out, _ = balmer("show", run, "--json")
    assert json.loads(out)["config"]["features"] == ["E", "[bold]x[/bold]"]
    assert tomllib.loads((run / "config.toml").read_text())["target"] == ":smile: λ"


def several(path):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 3, (2, 20))
    return csv(path, np.column_stack([a, b, 2.5 * a * b, a / b]), "a [m],b [s],p [m*s],v/w [m/s]")


def test_several_targets_are_a_run_each(balmer, tmp_path):
    table = several(tmp_path / "t.csv")
    code, out, _ = balmer("fit", table, "-t", "p", "-t", "v/w", "--evaluations", "4000")
    assert code == 0
    for name, run in (("p", load_run("runs/t-p")), ("v/w", load_run("runs/t-v_w"))):
        assert run.config["target"] == name
        assert run.config["features"] == ["a", "b"]
        assert run.config["budget"] == {"evaluations": 2000}
        assert f"Written to {run.path}" in out
        assert run.front.best.loss < 1e-20
    balmer("fit", table, "-t", "p", "-t", "v/w", "--evaluations", "4000", "--out", "both")
    assert {path.name for path in (tmp_path / "both").iterdir()} == {"p", "v_w"}
    code, _, _ = balmer("fit", "--config", "runs/t-p/config.toml", "--out", "again")
    assert load_run("again").config == load_run("runs/t-p").config


def test_ctrl_c_ends_all_targets(balmer, tmp_path, monkeypatch):
    module = sys.modules["balmer.search.discover"]
    small = module.small_formulas

    def press(*given):
        signal.raise_signal(signal.SIGINT)
        return small(*given)

    monkeypatch.setattr(module, "small_formulas", press)
    code, _, _ = balmer("fit", several(tmp_path / "t.csv"), "-t", "p", "-t", "v/w", "--evaluations", "4000")
    assert code == 130
    assert load_run("runs/t-p").front
    assert not (tmp_path / "runs" / "t-v_w").exists()


def test_what_a_good_law_is_arrives_and_is_repeated(balmer, tmp_path):
    settings = tmp_path / "search.toml"
    settings.write_text(
        """
        file = "t.csv"
        target = "p"
        precision = "float32"
        patience = 3000
        evaluations = 10000
        [objective]
        delta = 0.5
        [space]
        min_complexity = 3
        complexity_of_variables = { b = 2 }
        argument_constraints = { sin = 3, pow = [1, 1] }
        [space.nested_constraints]
        sin = { sin = 0, cos = 0 }
        """
    )
    several(tmp_path / "t.csv")
    assert balmer("fit", "-c", settings, "--loss", "huber", "--features", "a,b", "--out", "one")[0] == 0
    run = load_run("one")
    assert run.config["precision"] == "float32"
    assert run.config["budget"]["patience"] == 3000
    assert (run.config["objective"]["loss"], run.config["objective"]["delta"]) == ("huber", 0.5)
    space = run.config["space"]
    assert space["nested_constraints"] == {"sin": {"sin": 0, "cos": 0}}
    assert space["argument_constraints"] == {"sin": [3], "pow": [1, 1]}
    assert (space["min_complexity"], space["complexity_of_variables"]) == (3, [1, 2])
    assert min(law.complexity for law in run.front) >= 3
    assert balmer("fit", "--config", "one/config.toml", "--out", "two")[0] == 0
    assert load_run("two").config == run.config
    assert [law.text(None) for law in load_run("two").front] == [law.text(None) for law in run.front]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loss", "cubic"], "option loss = 'cubic'"),
        (["--precision", "half"], "precision = 'half'"),
        (["--patience", "0"], "option --patience = '0': a whole number from 1 is accepted"),
        (["-t", "v/w", "--sigma", "a"], "uncertainties belong to one target, and there are several"),
        (["-t", "p"], "option target: p, p names a column twice"),
    ],
)
def test_a_mistake_in_these_is_one_sentence(balmer, tmp_path, arguments, message):
    code, out, err = balmer("fit", several(tmp_path / "t.csv"), "-t", "p", *arguments, *SMALL)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert err.count("Error: ") == 1
    assert not (tmp_path / "runs").exists()


def test_constants_of_nature_and_pure_constants(balmer, tmp_path):
    m = np.linspace(1.0, 9.0, 12)
    table = csv(tmp_path / "rest.csv", zip(m, m * 299792458.0**2, strict=True), "m [kg],E [J]")
    code, out, _ = balmer("fit", table, *SMALL, "--target", "E", "--nature", "c, h", "--pure-constants")
    assert code == 0
    assert "E = m*c**2" in out
    assert "unit of its own" not in out
    config = load_run("runs/rest-E").config
    assert config["nature"] == ["c", "h"]
    code, _, err = balmer("fit", table, *SMALL, "--target", "E", "--pure-constants")
    assert code == 2
    assert "no formula can match: the target 'E' has dimension kg·m²·s⁻²" in err.replace("\n", " ")
    code, _, err = balmer("fit", table, *SMALL, "--target", "E", "--nature", "g")
    assert code == 2
    assert "'g' is no constant of nature known here" in err
    code, out, _ = balmer("fit", table, *SMALL, "--target", "E", "--natural-units")
    assert code == 0
    assert "E = m\n" in out
