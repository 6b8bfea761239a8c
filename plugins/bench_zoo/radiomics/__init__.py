"""Handcrafted features of the lesion and the ring around it, in linear models and in boosted trees."""

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

REMEDY = (
    "pyradiomics, which builds on Python 3.11 with a C compiler: `uv sync` in a clone, elsewhere "
    "`pip install numpy setuptools versioneer` and then `pip install --no-build-isolation pyradiomics==3.0.1`"
)

# Nearly all of it is the extraction, which later folds find done.
COST = Cost(seconds_per_case=0.15)
OF_FILTERED_IMAGES = Cost(seconds_per_case=2.5)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``radiomics_lr``, ``radiomics_lasso``, ``radiomics_elastic_net`` and ``radiomics_xgb``."""
    requires = {"radiomics": REMEDY}
    return [
        MethodSpec(
            "radiomics_lr",
            "bench_zoo.radiomics.ridge:RadiomicsLR",
            "pyradiomics features of lesion and surround in a ridge-penalised linear model",
            requires=requires,
            cost=COST,
        ),
        MethodSpec(
            "radiomics_lasso",
            "bench_zoo.radiomics.sparse:RadiomicsElasticNet",
            "pyradiomics features of original, LoG and wavelet images in a linear model with LASSO",
            {"l1_ratios": (1.0,)},
            requires=requires,
            cost=OF_FILTERED_IMAGES,
        ),
        MethodSpec(
            "radiomics_elastic_net",
            "bench_zoo.radiomics.sparse:RadiomicsElasticNet",
            "pyradiomics features of original, LoG and wavelet images in a linear model with elastic net",
            requires=requires,
            cost=OF_FILTERED_IMAGES,
        ),
        MethodSpec(
            "radiomics_xgb",
            "bench_zoo.radiomics.boosted:RadiomicsXGB",
            "pyradiomics features of lesion and surround in gradient-boosted trees (XGBoost)",
            requires=requires,
            cost=COST,
        ),
    ]
