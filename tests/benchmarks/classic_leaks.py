"""Three classic leaks on public tables: the inflated value, the honest one, and what the audit names.

    BENCH_DATA=... python tests/benchmarks/classic_leaks.py

Selection: the 20 features of 529 that are most associated with ER in all 617 Duke patients, then five-fold
cross-validation, against the selection inside each fold, and both with permuted labels. Oversampling: the
rarer class of ER is copied until the classes are equal, before or inside the folds. Visits: acrin6698,
where a row is a visit, in folds of rows or of patients, with the label of the patient. The classifier is
ridge-penalised logistic regression, or a forest where rows are copied or of one patient. Below each leak
stand the codes by which `bench audit` names the table that was made so, cut by internal_cv, a row a patient.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, rankdata
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from bench.audit.audit import audit
from bench.audit.subject import Subject
from bench.cohorts.folder import load_folder
from bench.splits.config import load_split_config
from bench.splits.make import make_split

DATA = Path(os.environ.get("BENCH_DATA", ""))
FOLDS, KEPT = 5, 20
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    return LogisticRegression(C=0.1, max_iter=2000).fit(train, labels).predict_proba(test)[:, 1]


def forest(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    return RandomForestClassifier(100, random_state=0).fit(train, labels).predict_proba(test)[:, 1]


def selected(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Columns with the smallest p."""
    ps = mannwhitneyu(values[labels == 1], values[labels == 0], axis=0).pvalue
    return np.argsort(ps)[:KEPT]


def selecting(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    kept = selected(train, labels)
    return linear(train[:, kept], labels, test[:, kept])


def copied(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows, those of the rarer class more than once until the classes are equal."""
    rare = np.flatnonzero(labels == (labels.mean() < 0.5))
    return np.concatenate([np.arange(len(labels)), rng.choice(rare, len(labels) - 2 * len(rare))])


def balanced(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    rows = copied(labels, np.random.default_rng(0))
    return forest(train[rows], labels[rows], test)


def cross_validated(values: np.ndarray, labels: np.ndarray, groups: np.ndarray, fit: Fit) -> float:
    """Mean AUC of the folds."""
    areas = []
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(
        values, labels, groups
    ):
        areas.append(roc_auc_score(labels[test], fit(values[train], labels[train], values[test])))
    return float(np.mean(areas))


def scores(table: pd.DataFrame) -> np.ndarray:
    """Ranks of each column between -1 and 1."""
    filled = table.fillna(table.median())
    return 2 * rankdata(filled.to_numpy(dtype=float), axis=0) / (len(table) + 1) - 1


def named(table: pd.DataFrame, labels: np.ndarray, patients: np.ndarray) -> None:
    """Print what the audit finds in a cohort of these features, one site, cut by internal_cv."""
    cases = [f"c{row:04}" for row in range(len(table))]
    listing = {"case_id": cases, "patient_id": patients, "site": "one", "group": "internal", "label": labels}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pd.DataFrame(listing).to_csv(folder / "cases.csv", index=False)
        features = table.reset_index(drop=True).set_axis([f"f{at}" for at in range(table.shape[1])], axis=1)
        features.insert(0, "case_id", cases)
        features.to_csv(folder / "features.csv", index=False)
        (folder / "cohort.toml").write_text(
            'name = "made"\nsynthetic = false\nfeatures = "features.csv"\n[tasks.label]\nkind = "binary"\n'
        )
        cohort = load_folder(folder)
        split = make_split(cohort, load_split_config("internal_cv"))
        for one in audit(Subject(cohort, split), cheap=True):
            if one.evidence:
                more = f" (and {len(one.evidence) - 1} more)" if len(one.evidence) > 1 else ""
                print(f"  {one.check.code} {one.check.title}: {one.evidence[0].text}{more}", flush=True)


def main() -> None:
    """Print a line a leak."""
    duke = pd.read_csv(DATA / "duke" / "imaging_features_617.csv.gz")
    duke = duke[duke["ER"].notna()]
    values, er = scores(duke.iloc[:, 1:530].select_dtypes("number")), duke["ER"].to_numpy(dtype=int)
    rows = np.arange(len(er))
    dealt = np.random.default_rng(0).permutation(er)
    for name, labels in (("ER", er), ("permuted ER", dealt)):
        before = cross_validated(values[:, selected(values, labels)], labels, rows, linear)
        inside = cross_validated(values, labels, rows, selecting)
        print(f"selection, {name}: before the split {before:.3f}, inside the folds {inside:.3f}", flush=True)
        named(pd.DataFrame(values[:, selected(values, labels)]), labels, rows)
    more = copied(er, np.random.default_rng(0))
    before = cross_validated(values[more], er[more], np.arange(len(more)), forest)
    inside = cross_validated(values, er, rows, balanced)
    print(f"oversampling, ER: before the split {before:.3f}, inside the folds {inside:.3f}", flush=True)
    named(pd.DataFrame(values[more]), er[more], np.arange(len(more)))
    print("the features as measured:")
    named(pd.DataFrame(values), er, rows)
    visits(forest)


def visits(fit: Fit) -> None:
    """Rows of visits, with the hormone-receptor status of the patient from MAMA-MIA's sheet."""
    table = pd.read_csv(DATA / "acrin6698" / "features.csv")
    sheet = pd.read_excel(DATA / "mama_mia" / "clinical_and_imaging_info.xlsx", sheet_name="dataset_info")
    numbers = sheet.set_index(sheet["patient_id"].astype(str).str.extract(r"(\d+)$")[0])["hr"]
    patient = table["patientid"].astype(str).str.extract(r"(\d{5,})")[0]
    labels = pd.to_numeric(patient.map(numbers[~numbers.index.duplicated()]), errors="coerce")
    known = labels.notna().to_numpy()
    columns = [name for name in table if name.startswith("original_")]
    values, truth = scores(table.loc[known, columns]), labels[known].to_numpy(dtype=int)
    people = patient[known].to_numpy()
    by_row = cross_validated(values, truth, np.arange(len(truth)), fit)
    print(
        f"visits, hormone receptor, {len(truth)} visits of {len(set(people))} patients: in folds of rows "
        f"{by_row:.3f}, of patients {cross_validated(values, truth, people, fit):.3f}"
    )
    named(pd.DataFrame(values), truth, table.loc[known, "patientid"].to_numpy())


if __name__ == "__main__":
    main()
