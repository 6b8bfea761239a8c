"""The page on networks lists the methods with the epochs and the presets that they have."""

import re

from bench.methods.parameters import parameters
from bench.methods.registry import load_registry
from bench.running.experiment import preset_names
from tests.docs.pages import page

# Networks that other pages are about.
ELSEWHERE = ("spatial_mtl", "plain_cnn")
ROWS = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \| `(\w+)` \|$", page("networks.md"), flags=re.MULTILINE)


def test_every_network_is_listed_with_the_epochs_that_it_trains() -> None:
    specs = {
        name: spec
        for name, spec in load_registry().specs.items()
        if spec.target.startswith("bench_zoo.networks.") and spec.target.split(".")[2] not in ELSEWHERE
    }
    assert {name: int(epochs) for name, epochs, _ in ROWS} == {
        name: parameters(spec)["epochs"] for name, spec in specs.items()
    }


def test_every_preset_that_is_named_exists() -> None:
    assert {preset for _, _, preset in ROWS} | {"gpu"} == set(preset_names())


def test_every_source_is_named_by_the_summary_of_the_method() -> None:
    specs = load_registry().specs
    for line in page("networks.md").splitlines():
        for name, source in re.findall(r"^\| `(\w+)` \| ((?:arXiv|PMC)[\w. ]+) \|", line):
            if name != "foundbionet_no_cmd":
                assert source in specs[name].summary, name
