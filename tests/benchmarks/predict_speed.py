"""Exams a minute that `bench predict --exams` reads, decides and checks, against a plain loop over exams.

    python -m tests.benchmarks.predict_speed --methods tumour_size,radiomics_lr,spatial_mtl --exams 96

The models are fitted on phantom-tiny (five folds; networks for one epoch, which changes no time of a
prediction), the exams are another draw of it. The plain loop opens the bundle and loads the models for each
exam. `cut` are exams whose crops and features the cache lacks, `cached` those of a second time. Exits with 1
where fewer than 100 exams a minute come out of cached crops.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.deploy.bundle import Bundle, open_bundle
from bench.deploy.collect import bundle_of_store
from bench.deploy.exams import exam_of_files, exams_of_folder
from bench.deploy.many import Question, predict_many
from bench.deploy.predict import loaded_models, predict_exams
from bench.deploy.write import write_bundle
from bench.inference import Bootstrap
from bench.methods.registry import load_registry
from bench.running.experiment import Experiment
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from tests.benchmarks.crop_speed import write_exam
from tests.benchmarks.figure import Figure, tell

MIN_A_MINUTE = 100.0
LOOP = 6
TASKS = """
[tasks.er]
kind = "binary"
"""


def bundles(methods: list[str], folder: Path) -> dict[str, Path]:
    """Folders of written bundles by method."""
    networks = [name for name in methods if name.startswith(("spatial_mtl", "cnn"))]
    asked = Experiment(
        methods=("constant", *methods),
        cohort="phantom-tiny",
        split="internal_cv",
        device="cpu",
        store=str(folder / "runs"),
        set={f"{name}.epochs": 1 for name in networks},
    )
    if not run_experiment(asked, quiet=True).complete:
        raise SystemExit("a cell failed")
    plan = make_plan(asked, quiet=True)
    for name in methods:
        row = next(cell.method for cell in plan.cells if cell.method.startswith(name))
        found = bundle_of_store(
            plan.cohort, plan.split, plan.store, row, load_registry(), Bootstrap(200), quiet=True
        )
        write_bundle(found, folder / name)
    return {name: folder / name for name in methods}


def full_size(folder: Path, count: int) -> Cohort:
    """Made exams of the size of clinical ones, packed, int16."""
    lines = ["case_id,patient_id,site,group,image,mask"]
    for seed in range(count):
        image, mask = write_exam(folder, seed)
        lines.append(f"E{seed:03d},P{seed:03d},here,external,{image.name},{mask.name}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "cohort.toml").write_text('name = "full-size"\nsynthetic = true\n' + TASKS)
    return exams_of_folder(folder, open_cohort("phantom-tiny", quiet=True).tasks)


def plain_loop(folder: Path, exams: Cohort) -> None:
    """Each exam by itself, as `bench predict --image` does, without the start of Python."""
    for case_id in exams.case_ids:
        image, mask = exams.crop_source().paths(case_id)
        bundle = open_bundle(folder)
        known = {name: str(exams.table.loc[case_id, name]) for name in bundle.roles if name in exams.table}
        exam = exam_of_files(image, mask, bundle, known)
        models = loaded_models(bundle, load_registry().spec(bundle.method), exam)
        predict_exams(bundle, models, exam)


def a_minute(exams: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 60 * exams / (time.perf_counter() - started)


def measured(folder: Path, exams: Cohort, jobs: int) -> tuple[float, float, float]:
    """Exams a minute: plain loop, together without a cache, together from cached crops."""
    bundle: Bundle = open_bundle(folder)
    question = Question(bundle, "youden", "receptor_only")
    loop = a_minute(LOOP, lambda: plain_loop(folder, exams.take(exams.case_ids[-LOOP:])))
    cut, cached = (
        a_minute(len(exams), lambda: predict_many(question, exams, jobs, quiet=True)) for _ in range(2)
    )
    return loop, cut, cached


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--methods", default="tumour_size,radiomics_lr,spatial_mtl")
    parser.add_argument("--exams", type=int, default=68)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--full-size", action="store_true", help="exams of 120 x 448 x 448 voxels")
    given = parser.parse_args()
    slowest = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENCH_CACHE"] = str(Path(folder) / "cache")
        os.environ["BENCH_EXECUTOR"] = "here"
        found = bundles(given.methods.split(","), Path(folder))
        exams = full_size(Path(folder), given.exams) if given.full_size else open_cohort("phantom-tiny@5")
        exams = exams.take(exams.case_ids[: given.exams]).blind()
        print("| method | plain loop | together, cut | together, cached | cached / loop |")
        print("|---|---|---|---|---|")
        for method, place in found.items():
            loop, cut, cached = measured(place, exams, given.jobs)
            print(f"| {method} | {loop:.0f} | {cut:.0f} | {cached:.0f} | {cached / loop:.1f} |", flush=True)
            slowest = min(slowest, cached)
            tell(
                Figure(f"{method}: exams from crops", "1/min", cached, limit=MIN_A_MINUTE, at_least=True),
                Figure(f"{method}: together", "1/min", cached, loop, "one by one"),
            )
    sys.exit(slowest < MIN_A_MINUTE)


if __name__ == "__main__":
    main()
