"""Results from a real store that boards are made from."""

import pytest

from bench.predictions.results import Results
from bench.running.experiment import Experiment
from bench.running.plan import make_plan
from bench.running.run import run_experiment
from bench.store.collect import results_of_store


@pytest.fixture(scope="module")
def run_results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two methods and two seeds on the tiny phantom, from a real store."""
    store = tmp_path_factory.mktemp("store")
    asked = Experiment(
        methods=("constant", "tumour_size"),
        cohort="phantom-tiny",
        split="external_cv",
        seeds=(0, 1),
        store=str(store),
        device="cpu",
    )
    assert run_experiment(asked, quiet=True).complete
    plan = make_plan(asked, quiet=True)
    return results_of_store(plan.cohort, plan.split, plan.store)
