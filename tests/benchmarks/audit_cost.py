"""What the quick checks under a board take of the main job: CPU seconds beside those of its cells.

    python -m tests.benchmarks.audit_cost

The main job is `bench run --method spatial_mtl --split external_cv`, one seed; the peer is what its cells
took to fit and predict, as the committed board has them.
"""

import time
from pathlib import Path

import bench
from bench.audit.footnote import with_audit
from bench.boards.snapshot import thaw
from bench.predictions.results import Results, of_methods
from bench.scoring.seeds import on_shared_seeds
from tests.benchmarks.figure import Figure, tell

SPLIT, METHOD, SEED = "external_cv", "spatial_mtl", 0
BOARD = Path(__file__).parents[2] / "leaderboards" / "phantom" / SPLIT
SHARE = 0.05


def seconds_of_cells(results: Results) -> float:
    """Seconds that the cells of the seed took to fit and predict."""
    (method,) = results.methods
    mine = [record for record in method.records if record["identity"]["seed"] == SEED]
    return sum(float(record["fit_seconds"]) + float(record["predict_seconds"]) for record in mine)


def main() -> None:
    """Print both and their ratio."""
    cohort = bench.open_cohort("phantom")
    split = bench.make_split(cohort, SPLIT)
    stored = of_methods(thaw(BOARD), [METHOD])
    results = on_shared_seeds(stored, [SEED])
    started = time.process_time()
    said = with_audit(results, cohort, split).audit
    checks, cells = time.process_time() - started, seconds_of_cells(stored)
    print(f"{said}\nquick checks: CPU {checks:.2f} s; cells of the main job: {cells:.0f} s")
    tell(Figure("quick checks of the main job, CPU", "s", checks, cells, "its cells", SHARE))


if __name__ == "__main__":
    main()
