"""Encoders that no label of the cohort has trained, and simple heads on their pooled features."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec
from bench_zoo.radiomics import REMEDY


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``frozen``, ``random_encoder``, ``pretext_ridge``, ``pretext_cnn`` and ``deep_radiomics``."""
    frozen, learned = "bench_zoo.frozen.method:FrozenEncoder", "bench_zoo.frozen.pretext:"
    return [
        MethodSpec(
            "frozen",
            frozen,
            "Pooled features of an encoder from a local file of weights, ridge penalty",
            {"encoder": "resnet18"},
            needs=("volumes", "weights"),
            keeps=("embeddings",),
            cost=Cost(seconds_per_case=0.1),
        ),
        MethodSpec(
            "random_encoder",
            frozen,
            "Floor: pooled features of an untrained encoder, ridge penalty",
            keeps=("embeddings",),
            cost=Cost(seconds_per_case=0.02),
        ),
        MethodSpec(
            "pretext_ridge",
            f"{learned}PretextEncoder",
            "Features of an encoder that learned to fill in masked crops, ridge penalty",
            cost=Cost(seconds_per_case=0.07, grows_with=("epochs",)),
        ),
        MethodSpec(
            "pretext_cnn",
            "bench_zoo.frozen.finetuned:PretextCNN",
            "multi_task_cnn from an encoder that learned to fill in masked crops",
            cost=Cost(seconds_per_case=0.22, grows_with=("epochs",)),
        ),
        MethodSpec(
            "deep_radiomics",
            f"{learned}DeepRadiomics",
            "Radiomics and features of a pretext-trained encoder in one ridge-penalised model",
            requires={"radiomics": REMEDY},
            processes=("bench_zoo.radiomics.worker",),
            cost=Cost(seconds_per_case=0.22, grows_with=("epochs",)),
        ),
    ]
