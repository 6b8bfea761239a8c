"""How many ranks of the committed boards change with the seed of the bootstrap.

    python tests/benchmarks/rank_stability.py --seeds 10

Prints, a board, its ranks, how many of them are not the same for all seeds, and how many differences the most
resamples leave undecided; ``--once`` decides with the first 2,000 resamples alone.
"""

import argparse
from pathlib import Path

import bench.inference.bootstrap as bootstrap
from bench.frozen import frozen_boards, thaw
from bench.scores import score_results


def main() -> None:
    """Print one row a board, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("leaderboards"))
    parser.add_argument("--once", action="store_true")
    chosen = parser.parse_args()
    if chosen.once:
        bootstrap.CLEAR = 0
    total, moved = 0, 0
    for place in frozen_boards(chosen.folder):
        results, ranks, open_pairs = thaw(place), {}, 0
        for seed in range(chosen.seeds):
            for its in score_results(results, seed=seed):
                if its.rank is not None:
                    ranks.setdefault((its.task.name, its.method), set()).add((its.rank, its.rank_set))
                    open_pairs += len(its.unclear) if seed == 0 else 0
        changed = sum(len(found) > 1 for found in ranks.values())
        total, moved = total + len(ranks), moved + changed
        print(f"{place}: {len(ranks)} ranks, {changed} change; undecided {open_pairs / 2:g}", flush=True)
    print(f"{moved} of {total} ranks or rank sets change over {chosen.seeds} seeds")


if __name__ == "__main__":
    main()
