"""NAME+MODIFICATION: what suits which method, and whose code and hyperparameters it has."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import UsageError
from bench.methods.fingerprint import code_fingerprint
from bench.methods.method import Run
from bench.methods.parameters import build, method_class, parameters, search_space
from bench.methods.registry import load_registry
from bench.methods.through import Through
from bench.scoring.comparison import compare
from bench.testing import check_method

AUTHOR = """
from dataclasses import dataclass, field
import numpy as np
from bench import Lens, MethodSpec, Modification, hookimpl

@dataclass
class Centred(Lens):
    factor: float = 1.0

    def features(self, cohort):
        known = self.train.features()
        return cohort.features() - {factor} * self.factor * known.mean()

@dataclass
class Mean:
    power: float = 1.0

    def fit(self, train, val, run):
        self.sum = float(train.features().to_numpy().sum())
        return self

    def predict(self, cohort):
        mean = cohort.features().to_numpy().mean(axis=1)
        return {{task.name: 1 / (1 + np.exp(-mean * {power})) for task in cohort.tasks}}

@dataclass
class Deaf(Mean):
    def fit(self, train, val, run):
        return self

@hookimpl
def bench_methods():
    made = [("author_mean", "Mean"), ("author_deaf", "Deaf")]
    return [MethodSpec(name, f"{{__name__}}:{{kind}}", "Made", needs=("features",)) for name, kind in made]

@hookimpl
def bench_modifications():
    return [Modification("centred", f"{{__name__}}:Centred", "centred", "methods of feature tables")]
"""


def author(folder: Path, power: float = 1.0, factor: float = 1.0) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"author_{str(power)[0]}{str(factor)[0]}.py"
    path.write_text(AUTHOR.format(power=power, factor=factor))
    return path


@pytest.fixture
def tables(tmp_path: Path) -> Cohort:
    rng = np.random.default_rng(0)
    ids = [f"c{at:02}" for at in range(60)]
    site = [f"s{at % 3}" for at in range(60)]
    cases = pd.DataFrame({"case_id": ids, "patient_id": ids, "site": site, "group": "internal"})
    cases["er"] = rng.integers(0, 2, 60)
    values = rng.standard_normal((60, 6)) + np.arange(60)[:, None] % 3 + cases[["er"]].to_numpy()
    features = pd.DataFrame(values, columns=[f"f{at}" for at in range(6)])
    folder = tmp_path / "tables"
    folder.mkdir()
    cases.to_csv(folder / "cases.csv", index=False)
    features.assign(case_id=ids).to_csv(folder / "features.csv", index=False)
    (folder / "cohort.toml").write_text(
        'name = "tables"\nsynthetic = true\nfeatures = "features.csv"\n[tasks.er]\nkind = "binary"\n'
    )
    return load_folder(folder)


REFUSED = {
    "constant+combat": "'constant\\+combat' cannot be: constant reads no table of features",
    "constant+nyul": "constant reads no image",
    "mask_only+nyul": "mask_only measures features for no method that reads a table",
    "tumour_size+coral": "tumour_size is no network that learns by such a loss",
    "features_lr+combat+combat": "features_lr\\+combat has been changed by .*CombatTable already",
    "multi_task_cnn+nyul+zscore": "multi_task_cnn\\+nyul has been changed by .*GreyScale already",
    "multi_task_cnn+nyul+irm": "a loss comes before what changes images",
    "multi_task_cnn+irm+coral": "the loss of multi_task_cnn\\+irm knows the sites already",
    "features_lr+combatt": "unknown modification 'combatt': did you mean combat",
    "featres_lr+combat": "unknown method 'featres_lr': did you mean features_lr",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_suit_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[name]) as caught:
        load_registry().spec(name)
    assert "\n" not in str(caught.value)


def test_every_method_of_feature_tables_takes_combat_and_keeps_its_own_hyperparameters() -> None:
    registry = load_registry()
    of_tables = [name for name, spec in registry.specs.items() if "features" in spec.needs]
    of_images = [name for name, spec in registry.specs.items() if spec.on_table]
    assert {"features_lr", "features_xgb"} <= set(of_tables) and {"radiomics_lasso"} <= set(of_images)
    for name in (*of_tables, *of_images):
        spec, plain = registry.spec(f"{name}+combat"), parameters(registry.spec(name))
        own = parameters(spec)
        assert {"harmonise": "combat", "unseen": "as_is"}.items() <= own.items()
        assert {key: own[key] for key in plain if key != "penalties"}.items() <= plain.items()
        assert search_space(spec, own).keys() == method_class(registry.spec(name)).search_space().keys() - {
            "bin_width"
        }
    assert registry.spec("radiomics_lr+combat").on_table == "features_lr+combat"


def test_the_fingerprint_is_that_of_the_method_and_the_modification(tmp_path: Path) -> None:
    def code(power: float, factor: float, name: str = "author_mean+centred") -> str:
        folder = tmp_path / f"{power}-{factor}"
        return code_fingerprint(load_registry([author(folder, power, factor)]).spec(name))

    assert len({code(1.0, 1.0), code(2.0, 1.0), code(1.0, 2.0), code(1.0, 1.0, "author_mean")}) == 4
    assert code(1.0, 1.0) == code(1.0, 1.0)
    assert code(1.0, 1.0, "author_mean+combat") != code(2.0, 1.0, "author_mean+combat")


def test_the_zoos_modifications_are_for_an_authors_method_and_the_other_way_round(
    tables: Cohort, tmp_path: Path
) -> None:
    registry, test = load_registry([author(tmp_path)]), tables.take(tables.case_ids[50:])
    for name in ("author_mean+combat", "features_lr+centred", "author_mean+centred+combat"):
        spec = registry.spec(name)
        assert not spec.is_of_the_project
        method = build(spec, parameters(spec))
        fitted = method.fit(
            tables.take(tables.case_ids[:40]), tables.take(tables.case_ids[40:50]), Run(0, "cpu", 1, tmp_path)
        )
        assert isinstance(fitted, Through)
        said, shown = fitted.predict(test.blind())["er"], fitted.seen(test).features()
        assert np.isfinite(said).all() and np.abs(shown - test.features()).to_numpy().max() > 0.1
        assert not hasattr(type(fitted), "save") or name.startswith("features")


def test_a_method_that_reads_nothing_that_is_changed_is_no_row(tables: Cohort, tmp_path: Path) -> None:
    spec = load_registry([author(tmp_path)]).spec("author_deaf+combat")
    with pytest.raises(UsageError, match="Deaf read nothing that CombatTable changes"):
        build(spec, parameters(spec)).fit(tables, tables.take([]), Run(0, "cpu", 1, tmp_path))


def test_a_variant_runs_sealed_and_is_compared_with_its_plain_row(tables: Cohort, tmp_path: Path) -> None:
    split = bench.make_split(tables, "internal_cv")
    pair = ["features_lr+combat", "features_lr"]
    results = bench.run(tables, split, pair, store=tmp_path / "runs", device="cpu", quiet=True)
    assert [method.status for method in results.methods] == ["ok", "ok"]
    assert results.method_names == tuple(pair)
    (found,) = compare(results, pair, pair[1], "reference")
    assert found.n == 60 and np.isfinite(found.difference.interval).all()
    again = bench.run(tables, split, pair, store=tmp_path / "runs", device="cpu", quiet=True)
    pd.testing.assert_frame_equal(results.predictions, again.predictions)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["features_lr+combat", "multi_task_cnn+groupdro+zscore"])
def test_a_method_with_modifications_keeps_the_contract(name: str) -> None:
    check_method(name)
