"""Handcrafted features, measured or carried by the cohort, in linear models and boosted trees."""

from functools import partial

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

REMEDY = (
    "pyradiomics, which builds on Python 3.11 with a C compiler: `uv sync` in a clone, elsewhere "
    "`pip install numpy setuptools versioneer` and then `pip install --no-build-isolation pyradiomics==3.0.1`"
)

# Nearly all of it is the extraction, which later folds find done.
COST = Cost(seconds_per_case=0.15)
OF_FILTERED_IMAGES = Cost(seconds_per_case=2.5)
OF_TABLE = Cost(seconds_per_case=0.002)
# Of the peritumoural region in published claims: 4 mm (PMC12065080), 3 mm above 5 mm (W7135077213).
WIDTHS_MM = (3, 4, 5)
SPARSE_STRENGTHS = (0.3, 0.1, 0.03, 0.01, 0.003)
# A row of what pyradiomics measures.
measured = partial(MethodSpec, requires={"radiomics": REMEDY}, processes=("bench_zoo.radiomics.worker",))


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer the methods whose names begin with ``radiomics_``, and those of a cohort's feature table."""
    return [*_of_images(), *_of_tables()]


def _of_images() -> list[MethodSpec]:
    return [
        measured(
            "radiomics_lr",
            "bench_zoo.radiomics.ridge:RadiomicsLR",
            "Radiomics of lesion and peritumoural region, ridge penalty",
            on_table="features_lr",
            cost=COST,
        ),
        measured(
            "radiomics_lasso",
            "bench_zoo.radiomics.sparse:RadiomicsElasticNet",
            "Radiomics of original, LoG and wavelet images, LASSO",
            {"l1_ratios": (1.0,)},
            on_table="features_lasso",
            cost=OF_FILTERED_IMAGES,
        ),
        measured(
            "radiomics_elastic_net",
            "bench_zoo.radiomics.sparse:RadiomicsElasticNet",
            "Radiomics of original, LoG and wavelet images, elastic net",
            on_table="features_elastic_net",
            cost=OF_FILTERED_IMAGES,
        ),
        measured(
            "radiomics_xgb",
            "bench_zoo.radiomics.boosted:RadiomicsXGB",
            "Radiomics of lesion and peritumoural region, XGBoost",
            on_table="features_xgb",
            cost=COST,
        ),
        *[
            measured(
                f"radiomics_peri{width}",
                "bench_zoo.radiomics.ridge:RadiomicsLR",
                f"radiomics_lr with a peritumoural region of 0 to {width} mm",
                {"surround_mm": (0.0, float(width))},
                on_table="features_lr",
                cost=COST,
            )
            for width in WIDTHS_MM
        ],
    ]


def _of_tables() -> list[MethodSpec]:
    return [
        MethodSpec(
            "features_lr",
            "bench_zoo.radiomics.carried:FeatureTable",
            "The cohort's own feature table in a ridge-penalised linear model",
            needs=("features",),
            cost=OF_TABLE,
        ),
        MethodSpec(
            "features_lasso",
            "bench_zoo.radiomics.carried:FeatureTable",
            "The cohort's own feature table in a linear model with LASSO",
            {"l1_ratios": (1.0,), "strengths": SPARSE_STRENGTHS},
            needs=("features",),
            cost=OF_TABLE,
        ),
        MethodSpec(
            "features_elastic_net",
            "bench_zoo.radiomics.carried:FeatureTable",
            "The cohort's own feature table in a linear model with elastic net",
            {"l1_ratios": (0.2, 0.5, 0.9), "strengths": SPARSE_STRENGTHS},
            needs=("features",),
            cost=OF_TABLE,
        ),
        MethodSpec(
            "features_xgb",
            "bench_zoo.radiomics.carried_trees:FeatureTrees",
            "The cohort's own feature table in XGBoost",
            needs=("features",),
            cost=OF_TABLE,
        ),
    ]
