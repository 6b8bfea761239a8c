"""How many ranks of the committed boards change with the seed of the bootstrap.

    python tests/benchmarks/rank_stability.py --seeds 10

Prints, a board, its ranks, how many of them are not the same for all seeds, how many of those seed 0 does not
mark as close (``?``), and how many it marks; ``--once`` decides with the first 2,000 resamples alone.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import bench.inference.bootstrap as bootstrap
from bench.boards.snapshot import frozen_boards, thaw
from bench.inference import Bootstrap
from bench.inference.ranks import RankSet
from bench.predictions.results import Results
from bench.scoring.scores import score_results

Row = tuple[str, str]
Rank = tuple[int, RankSet]


def main() -> None:
    """Print one row a board, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("leaderboards"))
    parser.add_argument("--once", action="store_true")
    chosen = parser.parse_args()
    if chosen.once:
        bootstrap.CLEAR = 0
    total, moved, unmarked = 0, 0, 0
    for place in frozen_boards(chosen.folder):
        ranks, marked = ranks_by_seed(thaw(place), range(chosen.seeds))
        changed = {row for row, found in ranks.items() if len(found) > 1}
        found = f"{len(ranks)} ranks, {len(changed)} change, {len(changed - marked)} without a mark"
        print(f"{place}: {found}; {len(marked)} marked", flush=True)
        total, moved, unmarked = total + len(ranks), moved + len(changed), unmarked + len(changed - marked)
    print(
        f"{moved} of {total} ranks or rank sets change over {chosen.seeds} seeds, {unmarked} without a mark"
    )


def ranks_by_seed(results: Results, seeds: Iterable[int]) -> tuple[dict[Row, set[Rank]], set[Row]]:
    """Ranks and rank sets that the seeds give each row of a board, and the rows that seed 0 marks."""
    ranks: dict[Row, set[Rank]] = {}
    marked: set[Row] = set()
    for seed in seeds:
        for score in score_results(results, Bootstrap(seed=seed)):
            if score.rank is not None:
                row = (score.task.name, score.method)
                ranks.setdefault(row, set()).add((score.rank, score.rank_set))
                marked |= {row} if score.unclear and seed == 0 else set()
    return ranks, marked


if __name__ == "__main__":
    main()
