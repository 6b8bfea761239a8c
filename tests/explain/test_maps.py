"""Maps lie where a method reads, and say how they were made."""

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, UsageError
from bench.explain.altered import WIPED, AlteredCohort, crops_read, same_places
from bench.explain.case import mean_map
from bench.explain.faithfulness import faithfulness, near_lesion, sanity
from bench.explain.maps import HeatMap, heat_maps
from bench.explain.way import Way
from bench.imaging.crop import Crop
from tests.explain.readers import CROP, ExplainsBox, ReadsBox, in_box


def test_a_wiped_crop_keeps_its_mask_and_all_that_is_not_wiped(tiny: Cohort) -> None:
    first, second = tiny.case_ids[:2]
    wiped = np.stack([in_box(), np.zeros(CROP.shape, bool)])
    plain = np.asarray(tiny.take([first, first]).crops(CROP))
    altered = AlteredCohort.of(tiny, [first, first], wiped=wiped, grid=CROP)
    found = altered.crops(CROP)
    assert (found[0, 0][in_box()] == WIPED).all() and (plain[0, 0][in_box()] != WIPED).any()
    np.testing.assert_array_equal(found[0, 0][~in_box()], plain[0, 0][~in_box()])
    np.testing.assert_array_equal(found[:, 1], plain[:, 1])
    np.testing.assert_array_equal(found[1], plain[1])
    assert altered.is_blind and altered.seen == [CROP]
    assert AlteredCohort.of(tiny, [second]).crops(CROP).shape == (1, 2, 20, 20, 20)


def test_a_place_is_the_same_on_crops_of_other_size_and_voxel() -> None:
    finer, larger = Crop(40, 1), Crop(60, 2)
    box = in_box()
    on_finer = same_places(box, CROP, finer)
    np.testing.assert_array_equal(on_finer[::2, ::2, ::2], box)
    assert on_finer.sum() == 8 * box.sum()
    on_larger = same_places(box, CROP, larger)
    np.testing.assert_array_equal(on_larger[5:25, 5:25, 5:25], box)
    assert on_larger.sum() == box.sum()
    np.testing.assert_array_equal(same_places(on_larger, larger, CROP), box)


def test_occlusion_finds_the_place_that_a_prediction_comes_from(tiny: Cohort) -> None:
    method, case_id = ReadsBox(), tiny.case_ids[0]
    assert crops_read(method, tiny, case_id) == (CROP,)
    maps = heat_maps(method, tiny, case_id, tiny.tasks)
    heat = maps["er"]
    assert (heat.way, heat.crop, heat.values.shape) == (Way.occlusion, CROP, CROP.shape)
    peak = np.unravel_index(heat.values.argmax(), heat.values.shape)
    inside = heat.values[in_box()].mean()
    assert inside > 5 * heat.values[~in_box()].mean()
    assert all(abs(place - middle) <= 4 for place, middle in zip(peak, (13.5, 6, 13.5), strict=True))
    np.testing.assert_allclose(maps["ki67"].values, heat.values * 30 / 4, rtol=1e-3, atol=1e-4)
    assert not maps["pr"].values.any()


def test_a_methods_own_map_is_taken_before_others_and_must_lie_on_a_grid_that_it_reads(tiny: Cohort) -> None:
    method, case_id = ExplainsBox(), tiny.case_ids[0]
    own = heat_maps(method, tiny, case_id, tiny.tasks)["pr"]
    assert own.way is Way.own and (own.values == in_box()).all()
    assert heat_maps(method, tiny, case_id, tiny.tasks, Way.occlusion)["er"].way is Way.occlusion
    method.explain = lambda cohort: np.zeros((1, 3, 3, 3))  # type: ignore[method-assign]
    with pytest.raises(PluginError, match=r"returned \(1, 3, 3, 3\) for one case, expected"):
        heat_maps(method, tiny, case_id, tiny.tasks)


def test_a_way_that_a_method_does_not_offer_is_refused_with_another(tiny: Cohort) -> None:
    for way, told in ((Way.own, "has no explain"), (Way.gradients, "no gradients are known")):
        with pytest.raises(UsageError, match=told):
            heat_maps(ReadsBox(), tiny, tiny.case_ids[0], tiny.tasks, way)


def test_deletion_and_insertion_tell_the_right_map_from_noise(tiny: Cohort) -> None:
    method = ReadsBox()
    case_id = tiny.case_ids[int(np.abs(method.predict(tiny)["ki67"]).argmax())]
    maps = heat_maps(method, tiny, case_id, tiny.tasks)
    region = near_lesion(tiny, case_id, maps)
    right = HeatMap(in_box().astype(np.float32), CROP, Way.own)
    found = faithfulness(method, tiny, case_id, tiny.task("er"), right, region)
    assert found is not None
    assert found.map.deletion[0] == 0 and found.map.deletion[-1] == pytest.approx(1)
    assert found.map.insertion[0] == 0 and found.map.insertion[-1] == pytest.approx(1)
    assert found.map.deletion_area > found.random[0] + 0.2
    assert found.map.insertion_area > found.random[1] + 0.2
    wrong = HeatMap(1 - right.values, CROP, Way.own)
    worse = faithfulness(method, tiny, case_id, tiny.task("er"), wrong, region)
    assert worse is not None and worse.map.deletion_area < found.random[0]
    assert faithfulness(method, tiny, case_id, tiny.task("pr"), right, region) is None


def test_of_a_method_that_nothing_can_randomise_there_is_no_sanity(tiny: Cohort) -> None:
    maps = heat_maps(ExplainsBox(), tiny, tiny.case_ids[0], tiny.tasks)
    assert sanity(ExplainsBox(), tiny, tiny.case_ids[0], tiny.tasks, maps) == {}


def test_the_mean_of_maps_weighs_each_alike() -> None:
    one = HeatMap(np.eye(3, dtype=np.float32)[None] * 100, CROP, Way.own)
    other = HeatMap(np.ones((1, 3, 3), np.float32), CROP, Way.own)
    mean = mean_map([one, other])
    assert mean.values.max() == 1
    assert mean.values[0, 0, 1] == pytest.approx((1 / 9) / (1 / 3 + 1 / 9))
    assert not mean_map([HeatMap(one.values * 0, CROP, Way.own)]).values.any()
