"""One of the processes that render a phantom: ``python -m bench.cohorts.phantom.worker``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cohorts.phantom.draw import draw_lesions
from bench.cohorts.phantom.images import write_case
from bench.cohorts.phantom.scenarios import SCENARIOS


def main(arguments: Sequence[str]) -> None:
    """Render every ``workers``-th case, a line on standard output for each.

    A worker draws the cases anew, so nothing but names passes between processes. When its parent dies the
    pipe breaks and the worker stops at its next case.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.cohorts.phantom.worker")
    parser.add_argument("scenario")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--counts", type=json.loads, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--worker", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    asked = parser.parse_args(arguments)
    lesions = draw_lesions(SCENARIOS[asked.scenario], asked.seed, asked.counts)
    for lesion in lesions[asked.worker :: asked.workers]:
        write_case(lesion, asked.seed, asked.folder)
        print(lesion.case_id, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
