"""Made tables of features: as measured, and after what should not be done to them."""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder

PATIENTS, COLUMNS = 160, 40
TOML = 'name = "made"\nsynthetic = true\nfeatures = "features.csv"\n[tasks.er]\nkind = "binary"\n'


def measured(seed: int = 0, columns: int = COLUMNS) -> pd.DataFrame:
    """Correlated features that differ by site and say something of ER, with the columns of cases.csv."""
    rng = np.random.default_rng(seed)
    site, er = rng.integers(0, 3, PATIENTS), (rng.random(PATIENTS) < 0.6).astype(int)
    values = rng.standard_normal((PATIENTS, columns)) + 0.5 * rng.standard_normal((PATIENTS, 1))
    values += 0.4 * site[:, None] * rng.random(columns) + 0.6 * er[:, None] * (np.arange(columns) < 5)
    table = pd.DataFrame(values, columns=[f"f{i}" for i in range(columns)])
    group = np.where(np.arange(PATIENTS) < 120, "internal", "external")
    return table.assign(er=er, site=[f"s{i}" for i in site], group=group)


def cohort_of(table: pd.DataFrame, folder: Path) -> Cohort:
    ids = pd.DataFrame({"case_id": [f"c{i:04}" for i in range(len(table))]})
    names = features(table)
    table = table.reset_index(drop=True)
    patients = pd.Series([f"p{i:04}" for i in range(len(table))], name="patient_id")
    pd.concat([ids, patients, table[["site", "group", "er"]]], axis=1).to_csv(
        folder / "cases.csv", index=False
    )
    pd.concat([ids, table[names]], axis=1).to_csv(folder / "features.csv", index=False)
    (folder / "cohort.toml").write_text(TOML)
    return load_folder(folder)


def features(table: pd.DataFrame) -> list[str]:
    return [name for name in table if name.startswith("f")]


def with_copies() -> pd.DataFrame:
    """Five rows of the rarer class twice."""
    table = measured()
    return pd.concat([table, table[table["er"] == 0].head(5)])


def selected() -> pd.DataFrame:
    """The ten features of 400 that are most associated with ER in all cases."""
    table = measured(columns=400)
    best = table[features(table)].corrwith(table["er"]).abs().nlargest(10).index
    return table[[*best, "er", "site", "group"]]


def harmonised(protected: bool = False) -> pd.DataFrame:
    """Features with the mean and spread of all sites alike, the effect of ER kept where ``protected``."""
    table = measured()
    names = features(table)
    kept = table[names].groupby(table["er"]).transform("mean") if protected else 0.0
    rest = table[names] - kept
    sites = rest.groupby(table["site"])
    table[names] = kept + (rest - sites.transform("mean")) / sites.transform("std")
    return table


def showing_site() -> pd.DataFrame:
    """A feature that holds the site, by which the prevalence of ER differs."""
    table = measured()
    rng = np.random.default_rng(0)
    code = table["site"].str[1].astype(int)
    table["er"] = (rng.random(len(table)) < 0.15 + 0.35 * code).astype(int)
    table["f0"] = code + 0.2 * rng.standard_normal(len(table))
    return table
