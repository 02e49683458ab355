"""The options of `balmer fit`, with what they are called, grouped under and explained as."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Config",
    "Custom",
    "Engine",
    "Evaluations",
    "Features",
    "IgnoreUnits",
    "Loss",
    "MaxComplexity",
    "MissingCells",
    "NaturalUnits",
    "Nature",
    "Operators",
    "Out",
    "Overwrite",
    "Patience",
    "Precision",
    "PureConstants",
    "Seed",
    "Sigma",
    "Start",
    "Table",
    "Target",
    "TargetLoss",
    "Threads",
    "Time",
    "Units",
    "Weights",
]

_DATA, _SEARCH, _BUDGET, _OUTPUT = "The table", "The formulas searched", "The budget", "The run"
_FORMATS = "Parquet, Feather, CSV, TSV or text with a header."


def _option(panel: str, metavar: str | None, help: str, *names: str) -> Any:
    return typer.Option(*names, metavar=metavar, rich_help_panel=panel, show_default=False, help=help)


Table = Annotated[Path | None, typer.Argument(metavar="TABLE", show_default=False, help=_FORMATS)]
Target = Annotated[
    list[str] | None,
    _option(
        _DATA,
        "COLUMN",
        "The column to explain; may be left out where the file says which it is. Repeat it for more: each is a run, "
        "in terms of the columns that are no targets, on an equal share of the budget.",
        "--target",
        "-t",
    ),
]
Features = Annotated[
    list[str] | None,
    _option(_DATA, "A,B,...", "The columns that may explain it; by default all others."),
]
Units = Annotated[
    list[str] | None,
    _option(
        _DATA,
        "COLUMN=UNIT",
        "Unit of a column, in place of that in the file; repeat it, or write a=AU,T=day. A pure number has 1.",
    ),
]
Sigma = Annotated[str | None, _option(_DATA, "COLUMN", "Standard uncertainty of the target in each row.")]
Weights = Annotated[str | None, _option(_DATA, "COLUMN", "Weight of each row.")]
WeightsMean = Annotated[
    str | None,
    _option(
        _DATA,
        "precision|events",
        "What a weight is: one over the variance of its row, the default, or a number of events, which may be "
        "negative.",
    ),
]
MissingCells = Annotated[
    str | None,
    _option(
        _DATA,
        "error|drop",
        "What to do with rows in which a cell is empty, NaN or infinite; by default an error.",
    ),
]

Nature = Annotated[
    list[str] | None,
    _option(_DATA, "'c h k_B'", "Constants of nature that may occur in the formula, in SI units."),
]
NaturalUnits = Annotated[
    bool,
    typer.Option(
        "--natural-units",
        rich_help_panel=_DATA,
        help="Count every column in powers of GeV, with hbar = c = k_B = epsilon_0 = 1.",
    ),
]
Operators = Annotated[
    str | None,
    _option(
        _SEARCH,
        "'+ - * / sqrt'",
        "Operators of the formulas; by default + - * / pow square sqrt exp log sin cos.",
    ),
]
Custom = Annotated[
    list[str] | None,
    _option(_SEARCH, "'gauss(x)=exp(-x**2)'", "An operator of your own; repeat it for more."),
]
MaxComplexity = Annotated[
    str | None,
    _option(_SEARCH, "N", "The largest formula, in symbols; a fitted constant counts twice. By default 30."),
]
Loss = Annotated[
    str | None,
    _option(
        _SEARCH,
        "LOSS",
        "squared, absolute, huber, log-cosh, or a formula of prediction and target, such as "
        "'(prediction-target)**2/target'; by default squared.",
    ),
]
Likelihood = Annotated[
    bool,
    typer.Option(
        "--likelihood",
        rich_help_panel=_SEARCH,
        help="The formula of --loss is a negative log-likelihood, and errors and criteria are those of it.",
    ),
]
Noise = Annotated[
    str | None,
    _option(
        _SEARCH,
        "constant|relative",
        "What noise of unknown size is: the same in all rows, the default, or a fraction of the prediction.",
    ),
]
ExactNumbers = Annotated[
    bool | None,
    typer.Option(
        "--exact-numbers/--no-exact-numbers",
        rich_help_panel=_SEARCH,
        show_default=False,
        help="Let constants become numbers such as 3/2 or 2*pi where the data prove them, the default, or never.",
    ),
]
IgnoreUnits = Annotated[
    bool,
    typer.Option(
        "--ignore-units",
        rich_help_panel=_SEARCH,
        help="Admit formulas with wrong units; by default none, where every column has a unit.",
    ),
]
PureConstants = Annotated[
    bool,
    typer.Option(
        "--pure-constants",
        rich_help_panel=_SEARCH,
        help="Let fitted constants be pure numbers; by default they may have any unit, which is solved for.",
    ),
]
Start = Annotated[
    list[str] | None,
    _option(_SEARCH, "FORMULA", "A formula in terms of the columns, to begin with; repeat it for more."),
]

Time = Annotated[str | None, _option(_BUDGET, "60s|10m|2h", "How long to search; by default 60s.")]
Evaluations = Annotated[
    str | None,
    _option(
        _BUDGET,
        "N",
        "How many formulas to evaluate: with one seed, the same laws on every machine.",
    ),
]
TargetLoss = Annotated[str | None, _option(_BUDGET, "LOSS", "Stop at a formula with this loss.")]
Patience = Annotated[
    str | None,
    _option(_BUDGET, "N", "Stop when the front has not improved for this many evaluations."),
]
Precision = Annotated[
    str | None,
    _option(_BUDGET, "float64|float32", "Of the numbers while searching; by default float64, as in the end."),
]
Seed = Annotated[str | None, _option(_BUDGET, "N", "Of the random numbers; by default 0.")]
Threads = Annotated[str | None, _option(_BUDGET, "N", "By default one for every core.")]
Engine = Annotated[
    str | None,
    _option(
        _BUDGET,
        "auto|embedded|julia",
        "What evolves the formulas; by default auto, which is julia where that is set up, else embedded.",
    ),
]

Out = Annotated[
    Path | None,
    _option(
        _OUTPUT,
        "DIRECTORY",
        "Where the run goes; by default runs/TABLE-TARGET, with -2, -3, ... where that is taken.",
        "--out",
        "-o",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", rich_help_panel=_OUTPUT, help="Replace the run that is there.")
]
Config = Annotated[
    Path | None,
    _option(
        _OUTPUT,
        "FILE.toml",
        "Settings under the names of these options; an option given here wins. The config.toml of a run is one.",
        "--config",
        "-c",
    ),
]
