"""A design of factors, run and taken apart."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import BoardFormatOption, OutOption, QuietOption
from bench.cli.output import output


def factors(
    file: Annotated[Path, typer.Argument(help="TOML with an experiment and tables [factors.NAME].")],
    wanted: BoardFormatOption = None,
    out: OutOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run combinations of factors and say how much each explains.

    Share of variance of each factor, with paired effects of the levels and the worst site beside the mean.
    """
    shown = output(wanted, out)
    from bench.inference import Bootstrap
    from bench.methods.registry import load_registry
    from bench.report.factors import factor_table
    from bench.running.factors import combinations, read_design
    from bench.running.run import run_variants
    from bench.scoring.factors import factor_scores

    design = read_design(file)
    plugins = [Path(plugin) for plugin in design.experiment.plugins]
    made = combinations(design, load_registry(plugins))
    outcome = run_variants(design.experiment, [one.variant for one in made], quiet)
    (results,) = outcome.results
    levels = {name: tuple(settings) for name, settings in design.factors.items()}
    rows = {one.levels: one.variant.label for one in made}
    bootstrap = Bootstrap()
    shown.show(factor_table(factor_scores(results, levels, rows, bootstrap), results, bootstrap))
