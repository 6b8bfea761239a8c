"""ComBat inside fit on Duke's published features, with and without, paired: sites are scanners.

    BENCH_DATA=... python tests/benchmarks/combat_sites.py

617 patients, 529 features, ER, PR and HER2. Sites are the two vendors, or vendor and field strength; the
split leaves each out in turn, or cuts all patients into five folds. Families lda, svm and forest, each beside
its own variant with ComBat. A site that was not in training keeps its features, and with one training site
alone ComBat has nothing to learn, which is the case when one of two vendors is left out.
"""

import os
import tempfile
from pathlib import Path

import pandas as pd

import bench
from bench.scoring.comparison import compare

DATA = Path(os.environ.get("BENCH_DATA", ""))
VENDORS = {0: "GE", 2: "Siemens"}
FAMILIES = ("lda", "svm", "forest")
TASKS = ("er", "pr", "her2")


def cohort(folder: Path, with_field: bool) -> None:
    """Write the cohort; its folder is named."""
    table = pd.read_csv(DATA / "duke" / "imaging_features_617.csv.gz")
    vendor = table["Manufacturer"].map(VENDORS)
    site = vendor + " " + table["Field Strength (Tesla)"].astype(str) + " T" if with_field else vendor
    who = table["Patient ID"].astype(str)
    cases = pd.DataFrame({"case_id": who, "patient_id": who, "site": site, "group": "internal"})
    cases[list(TASKS)] = table[["ER", "PR", "HER2"]].to_numpy()
    cases.to_csv(folder / "cases.csv", index=False)
    features = table.iloc[:, 1:530].select_dtypes("number").set_axis([f"f{at}" for at in range(529)], axis=1)
    features = pd.concat([who.rename("case_id"), features], axis=1)
    features.to_csv(folder / "features.csv", index=False)
    tasks = "".join(f'[tasks.{name}]\nkind = "binary"\n' for name in TASKS)
    (folder / "cohort.toml").write_text(
        f'name = "duke_scanners"\nsynthetic = false\nfeatures = "features.csv"\n{tasks}'
    )


def main() -> None:
    """Print a line a task and family."""
    names = [f"features_{family}{end}" for family in FAMILIES for end in ("", "+combat")]
    for with_field, split in ((False, "leave_site_out"), (True, "leave_site_out"), (False, "internal_cv")):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "duke_scanners"
            folder.mkdir()
            cohort(folder, with_field)
            opened = bench.open_cohort(str(folder), quiet=True)
            cut = bench.make_split(opened, split)
            results = bench.run(opened, cut, names, store=f"{place}/runs", device="cpu", quiet=True)
            sites = "vendor and field strength" if with_field else "vendor"
            for family in FAMILIES:
                pair = [f"features_{family}+combat", f"features_{family}"]
                for one in compare(results, pair, pair[1], "reference"):
                    low, high = one.difference.interval
                    print(
                        f"{split} by {sites}, {one.task.name}, {family}: AUC {one.second_value:.3f} without, "
                        f"{one.first_value:.3f} with ComBat, difference {one.difference.value:+.3f} "
                        f"[{low:+.3f}, {high:+.3f}], p = {one.difference.p:.2g}, n = {one.n}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
