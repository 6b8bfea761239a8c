"""Where a phantom's signal is, and how much of a map lies there."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.phantom.anatomy import draw_structure, render
from bench.cohorts.phantom.draw import image_stream
from bench.cohorts.phantom.images import quantities
from bench.cohorts.phantom.places import PLACES, TruePlaces
from bench.cohorts.phantom.scanner import MAX_SHIFT_MM, SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES, SCENARIOS
from bench.errors import CohortError, UsageError
from bench.explain.pointing import pointing
from bench.explain.pointing_table import pointing_table
from bench.imaging.crop import Crop
from bench.imaging.onto_image import grids_of_case, on_grid
from bench.running.fence.reach import GENERATOR

# What moves each place's attributes from their lowest to their highest value.
STRENGTHS = {
    "core": "core_depth",
    "rim": "rim_strength",
    "texture": "texture_amplitude",
    "surround": "surround_strength",
}


@pytest.fixture(scope="module")
def places(tiny: Cohort) -> TruePlaces:
    return TruePlaces.of_folder(tiny.folder)


@pytest.mark.parametrize("place", PLACES)
def test_an_attribute_changes_the_image_where_its_place_is(place: str, places: TruePlaces) -> None:
    lesion = next(iter(places.lesions.values()))
    structure = draw_structure(image_stream(places.seed, lesion), SITES[lesion.site].axes, MAX_SHIFT_MM)
    name = STRENGTHS[place]
    drawn = quantities(lesion)
    signals = [
        render(structure, {**drawn, name: value})[0]
        for value in (ATTRIBUTES[name].low, ATTRIBUTES[name].high)
    ]
    change = np.abs(signals[1] - signals[0])
    found = places.of_case(lesion.case_id)
    rest = found["all"] & ~found[place]
    assert change[found[place]].sum() > 0.65 * change[found["all"]].sum()
    assert change[found[place]].mean() > 4 * change[rest].mean()
    assert found[place].sum() < found["all"].sum() < 0.5 * change.size


def test_the_lesion_that_is_drawn_again_is_that_of_the_mask(tiny: Cohort, places: TruePlaces) -> None:
    for case_id in (tiny.case_ids[0], tiny.case_ids[20], tiny.case_ids[-1]):
        mask = tiny.volume(case_id).array("mask") > 0
        inside = places.of_case(case_id)["texture"]
        overlap = 2 * (mask & inside).sum() / (mask.sum() + inside.sum())
        assert overlap > 0.85


def test_the_place_of_a_task_is_that_of_the_attribute_it_shifts_most(places: TruePlaces) -> None:
    assert {task: places.of_task(task) for task in ("er", "pr", "her2", "ki67")} == {
        "er": "rim",
        "pr": "texture",
        "her2": "surround",
        "ki67": "core",
    }
    assert places.of_task("grade") == ""
    of_core = replace(places, scenario=SCENARIOS["phantom-core"])
    assert {of_core.of_task(task) for task in ("er", "pr", "her2", "ki67")} == {"core"}
    for name in ("phantom-size", "phantom-null"):
        assert replace(places, scenario=SCENARIOS[name]).of_task("er") == ""


def test_a_folder_that_is_no_phantom_has_no_known_place(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="is no phantom, so nobody knows where its signal is"):
        TruePlaces.of_folder(tmp_path)


def test_what_knows_the_places_lies_where_no_method_can_read() -> None:
    assert Path(str(inspect.getsourcefile(TruePlaces))).is_relative_to(GENERATOR)


class Oracle:
    """Points to the true place of one task, or evenly to lesion and surround."""

    def __init__(self, cohort: Cohort, places: TruePlaces, place: str):
        self.cohort, self.places, self.place = cohort, places, place

    def explain(self, cohort: Cohort) -> np.ndarray:
        crop = Crop(40, 2)
        cohort.crops(crop)
        (case_id,) = cohort.case_ids
        _, mask = self.cohort.crop_source().paths(case_id)
        native, grid = grids_of_case(case_id, mask, crop)
        inside: np.ndarray = on_grid(self.places.of_case(case_id)[self.place], native, grid) > 0.5
        return inside[None].astype(float)


class Row:
    """A row with one model."""

    label = "oracle"

    def __init__(self, method: Any):
        self.method = method

    def of_case(self, case_id: str) -> Mapping[tuple[int, int], Any]:
        return {(0, 0): self.method}


def test_a_map_of_the_place_gains_all_and_an_even_map_nothing(tiny: Cohort, places: TruePlaces) -> None:
    chosen = tiny.case_ids[:11]
    right = {
        score.task.name: score
        for score in pointing(Row(Oracle(tiny, places, "rim")), tiny, places, chosen)  # type: ignore[arg-type]
    }
    assert right["er"].place == "rim" and right["er"].share == pytest.approx(1)
    assert right["er"].gain == pytest.approx(1 - right["er"].even) and right["er"].interval.low > 0.5
    assert np.isnan(right["er"].learned)  # nothing can randomise this method
    assert right["her2"].share == 0 and right["her2"].interval.high < 0
    assert right["er"].within == pytest.approx(1) and right["er"].cases == 11 > right["er"].patients
    even = pointing(Row(Oracle(tiny, places, "all")), tiny, places, chosen[:2])  # type: ignore[arg-type]
    assert all(abs(score.gain) < 1e-9 for score in even)
    assert sum(score.even for score in even if score.place in ("texture", "surround")) == pytest.approx(
        1, abs=0.01
    )


def test_the_table_orders_by_what_lies_beyond_even(tiny: Cohort, places: TruePlaces, planned: Any) -> None:
    scores = pointing(Row(Oracle(tiny, places, "rim")), tiny, places, tiny.case_ids[:1])  # type: ignore[arg-type]
    table = pointing_table(tiny, planned.split, scores)
    assert table.synthetic and [record["task"] for record in table.records] == ["er", "pr", "her2", "ki67"]
    assert table.records[0]["ci_low"] is None and table.rows[0]["gain"].text.startswith("+0.")


def test_a_scenario_whose_signal_has_no_place_is_refused(tiny: Cohort, places: TruePlaces) -> None:
    of_size = replace(places, scenario=SCENARIOS["phantom-size"])
    with pytest.raises(UsageError, match="phantom-size: no task's signal has a place"):
        pointing(Row(None), tiny, of_size, tiny.case_ids[:1])  # type: ignore[arg-type]
