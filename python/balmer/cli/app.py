"""The commands; each imports what it needs when it runs, so that help comes at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from balmer.cli import options as o
from balmer.cli.interrupt import Interrupted
from balmer.errors import BalmerError

__all__ = ["app", "main"]

# From some version on typer has its own copy of click: the class is taken from where typer has it.
_ClickException: type[Exception] = typer.BadParameter.__mro__[2]

_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, context_settings=_HELP
)
data_app = typer.Typer(rich_markup_mode="rich", no_args_is_help=False, context_settings=_HELP)
app.add_typer(data_app, name="data")
julia_app = typer.Typer(rich_markup_mode="rich", no_args_is_help=False, context_settings=_HELP)
app.add_typer(julia_app, name="julia")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    A mistake of the user's is one sentence on stderr and code 2, Ctrl-C is 130, SIGTERM 143; anything else that
    goes wrong is a fault of ours and keeps its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters shows ? rather than fail
    command = typer.main.get_command(app)
    try:
        code = command.main(
            args=None if arguments is None else list(arguments), prog_name="balmer", standalone_mode=False
        )
        sys.stdout.flush()
    except (BalmerError, _ClickException) as error:
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        print(f"Error: {' '.join(text.split())}", file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return interrupted.code
    except (KeyboardInterrupt, typer.Abort):  # some versions of typer turn the one into the other
        return 130
    except BrokenPipeError:  # as in `balmer show ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code if isinstance(code, int) else 0


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"balmer {version('balmer')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def balmer(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Balmer finds the law in the data.

    A table whose columns carry units goes in; a short, ranked list of formulas
    comes out, with fitted constants and their errors.

    \b
    [bold]A first try[/bold], with the planets of the Sun:
      balmer data describe examples/data/planets.parquet
      balmer fit examples/data/planets.parquet --time 10s
      balmer show runs/planets-T

    \b
    [bold]Your own table[/bold], with units where the file has none:
      balmer fit fall.csv --target h --units h=m,t=s --time 30s
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def fit(
    table: o.Table = None,
    target: o.Target = None,
    features: o.Features = None,
    units: o.Units = None,
    sigma: o.Sigma = None,
    weights: o.Weights = None,
    weights_mean: o.WeightsMean = None,
    missing: o.MissingCells = None,
    nature: o.Nature = None,
    natural_units: o.NaturalUnits = False,
    operators: o.Operators = None,
    custom: o.Custom = None,
    max_complexity: o.MaxComplexity = None,
    loss: o.Loss = None,
    likelihood: o.Likelihood = False,
    noise: o.Noise = None,
    exact_numbers: o.ExactNumbers = None,
    ignore_units: o.IgnoreUnits = False,
    pure_constants: o.PureConstants = False,
    start: o.Start = None,
    time: o.Time = None,
    evaluations: o.Evaluations = None,
    target_loss: o.TargetLoss = None,
    patience: o.Patience = None,
    seed: o.Seed = None,
    threads: o.Threads = None,
    engine: o.Engine = None,
    precision: o.Precision = None,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    config: o.Config = None,
) -> None:
    """Search for the formula of a column, and write what is found to a run.

    Ctrl-C ends the search early; the laws found until then are shown and saved.

    \b
    [bold]Examples[/bold]
      balmer fit planets.parquet --target T --time 10s
      balmer fit decay.csv -t N --units N=1,t=s --sigma dN --operators "+ * exp"
      balmer fit line.csv -t I --custom "gauss(x)=exp(-x**2)" --time 2m
      balmer fit --config runs/planets-T/config.toml --seed 2

    \b
    [bold]The same in a file[/bold], for --config:
      file = "planets.parquet"               # beside this file
      target = "T"
      units = { a = "AU", T = "day" }
      operators = "+ - * / sqrt"
      time = "10m"
      [space.nested_constraints]             # fields of SearchSpace, Objective and Budget
      sqrt = { sqrt = 0 }
    """
    from balmer.cli.fit import fit_command

    given = {
        "file": table,
        "target": target or None,
        "features": features,
        "units": units,
        "sigma": sigma,
        "weights": weights,
        "weights_mean": weights_mean,
        "missing": missing,
        "nature": nature,
        "natural_units": natural_units or None,
        "operators": operators,
        "custom": custom,
        "max_complexity": max_complexity,
        "loss": loss,
        "likelihood": likelihood or None,
        "noise": noise,
        "exact_numbers": exact_numbers,
        "ignore_units": ignore_units or None,
        "pure_constants": pure_constants or None,
        "start": start,
        "time": time,
        "evaluations": evaluations,
        "target_loss": target_loss,
        "patience": patience,
        "seed": seed,
        "threads": threads,
        "engine": engine,
        "precision": precision,
        "out": out,
    }
    raise typer.Exit(fit_command(given, config=config, overwrite=overwrite))


@app.command()
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that balmer fit has written.")],
    law: Annotated[
        str | None,
        typer.Option(
            "--law",
            "-l",
            metavar="N",
            show_default=False,
            help="The law with this number in the first column; it is front\\[N] in Python.",
        ),
    ] = None,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the LaTeX of the chosen law, or of --law.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print all there is, for programs.")] = False,
) -> None:
    """Show the laws of a run: all in a table, or one in full.

    \b
    [bold]Examples[/bold]
      balmer show runs/planets-T
      balmer show runs/planets-T --law 2
      balmer show runs/planets-T --latex >> paper.tex
      balmer show runs/planets-T --json | jq ".laws\\[].formula"

    \b
    [bold]In Python[/bold]
      from balmer.search.run import load_run
      front = load_run("runs/planets-T").front
      front.best.predict({"a": \\[1.0, 5.2]})
    """
    from balmer.cli.show import show_command

    show_command(run, law=law, latex=latex, as_json=json)


@data_app.callback(invoke_without_command=True)
def data(context: typer.Context) -> None:
    """Look at a table, or write it in another format.

    \b
    [bold]Examples[/bold]
      balmer data describe examples/data/hubble.parquet
      balmer data convert fall.csv fall.parquet --units h=m,t=s --target h
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@data_app.command()
def describe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet, Feather, CSV, TSV or text.")],
    units: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=UNIT", show_default=False, help="Try a unit; repeat it for more."),
    ] = None,
) -> None:
    """Say what is in a table: columns, roles, units, ranges, missing cells.

    \b
    [bold]Example[/bold]
      balmer data describe examples/data/hubble.parquet
    """
    from balmer.cli.tables import describe_command

    describe_command(file, units or [])


@data_app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Parquet, Feather, CSV, TSV or text.")],
    destination: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Its ending says the format: .parquet, .feather, .csv, .tsv."),
    ],
    units: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=UNIT", show_default=False, help="Unit of a column; repeat it for more."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", show_default=False, help="The column to explain, noted in the file."),
    ] = None,
    description: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=TEXT", show_default=False, help="What a column means; repeat for more."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there.")] = False,
) -> None:
    """Write a table in another format, with its units, roles and descriptions.

    Parquet and Feather keep all of them; text keeps names and units, in its header:
    [bold]r \\[Mpc],v \\[km/s][/bold]

    \b
    [bold]Examples[/bold]
      balmer data convert fall.csv fall.parquet --units h=m,t=s --target h
      balmer data convert examples/data/planets.parquet planets.csv
    """
    from balmer.cli.tables import convert_command

    convert_command(source, destination, units or [], target, description or [], overwrite)


@julia_app.callback(invoke_without_command=True)
def julia(context: typer.Context) -> None:
    """Set up the Julia engine, which takes its evolution from SymbolicRegression.jl.

    Balmer works without it; where it is set up, --engine auto takes it.

    \b
    [bold]Examples[/bold]
      balmer julia install
      balmer julia status
      balmer julia doctor
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@julia_app.command()
def install() -> None:
    """Download Julia and its packages where they are missing, and compile them.

    Nothing else in Balmer ever downloads them. A Julia in the PATH is taken; to name
    one with a project of its own, set PYTHON_JULIACALL_EXE and PYTHON_JULIACALL_PROJECT.

    \b
    [bold]Example[/bold]
      balmer julia install
    """
    from balmer.cli.julia import install_command

    install_command()


@julia_app.command()
def status() -> None:
    """Say which Julia is set up, and its packages, without starting it.

    \b
    [bold]Example[/bold]
      balmer julia status
    """
    from balmer.cli.julia import status_command

    status_command()


@julia_app.command()
def doctor() -> None:
    """Try the way from Python to a search in Julia, link by link.

    It stops at the first link that fails and says what to do; the exit code is then 2.

    \b
    [bold]Example[/bold]
      balmer julia doctor
    """
    from balmer.cli.julia import doctor_command

    raise typer.Exit(doctor_command())
