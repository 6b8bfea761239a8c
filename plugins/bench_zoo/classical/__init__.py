"""Classical models of tables of features, and a floor of mask shapes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec
from bench_zoo.radiomics import COST, REMEDY

KINDS = {
    "lda": "linear discriminant analysis",
    "naive_bayes": "Gaussian naive Bayes",
    "knn": "k nearest neighbours",
    "svm": "support vector machine with a Gaussian kernel",
    "tree": "decision tree",
    "forest": "random forest",
    "adaboost": "AdaBoost",
    "boosting": "gradient boosting of small trees",
}
# Of libraries that are extras: title, importable module, numbers of features, seconds a case.
FURTHER = {
    "catboost": ("CatBoost (arXiv 1706.09516)", "catboost", (8, 24), 0.03),
    "realmlp": ("RealMLP (arXiv 2407.04491)", "pytabkit", (24,), 0.1),
}
OF_TABLE = Cost(seconds_per_case=0.03)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``radiomics_<family>``, ``features_<family>``, a combined and a shape model."""
    combined = "Radiomics and clinical covariates in one ridge-penalised model"
    shape = "Floor: shape of the lesion mask, no intensity, ridge penalty"
    return [
        *[_of_radiomics(family, kind) for family, kind in KINDS.items()],
        *[_of_features(family, kind) for family, kind in KINDS.items()],
        *[spec for family in FURTHER for spec in _further(family)],
        replace(
            _of_images("clinical_radiomics", "ClinicalRadiomics", combined, needs=("volumes", "clinical")),
            on_table="features_clinical",
        ),
        MethodSpec(
            "features_clinical",
            "bench_zoo.classical.combined:ClinicalTable",
            "The cohort's own feature table and clinical covariates in one ridge-penalised model",
            needs=("features", "clinical"),
            cost=OF_TABLE,
        ),
        _of_images("mask_only", "MaskShape", shape, {"counts": (4, 16)}),
    ]


def _of_images(
    name: str,
    cls: str,
    summary: str,
    params: Mapping[str, Any] | None = None,
    needs: tuple[str, ...] = ("volumes",),
) -> MethodSpec:
    target, requires = f"bench_zoo.classical.sources:{cls}", {"radiomics": REMEDY}
    return MethodSpec(name, target, summary, params or {}, needs, requires, COST)


def _of_radiomics(family: str, kind: str) -> MethodSpec:
    summary = f"Radiomics selected by mRMR, {kind} (after arXiv 2102.06526)"
    spec = _of_images(f"radiomics_{family}", "RadiomicsTable", summary, {"family": family})
    return replace(spec, on_table=f"features_{family}")


def _of_features(family: str, kind: str) -> MethodSpec:
    target = "bench_zoo.classical.sources:CarriedTable"
    summary = f"The cohort's own feature table selected by mRMR, {kind} (after arXiv 2102.06526)"
    return MethodSpec(
        f"features_{family}", target, summary, {"family": family}, needs=("features",), cost=OF_TABLE
    )


def _further(family: str) -> list[MethodSpec]:
    title, module, counts, seconds = FURTHER[family]
    target, requires = "bench_zoo.classical.further:", {module: f"pip install 'dcebench[{family}]'"}
    params = {"family": family, "counts": counts}
    radiomics = MethodSpec(
        f"radiomics_{family}",
        f"{target}FurtherRadiomics",
        f"Radiomics selected by mRMR, {title}",
        params,
        requires={"radiomics": REMEDY, **requires},
        processes=("bench_zoo.radiomics.worker",),
        cost=Cost(seconds_per_case=0.15 + seconds),
        on_table=f"features_{family}",
    )
    carried = MethodSpec(
        f"features_{family}",
        f"{target}FurtherCarried",
        f"The cohort's own feature table selected by mRMR, {title}",
        params,
        ("features",),
        requires,
        Cost(seconds_per_case=seconds),
    )
    return [radiomics, carried]
