import json
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError, MachineError
from bench.imaging.cache import crop_file, preprocessing_fingerprint
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from bench.imaging.regions import region_masks
from tests.imaging.imaging_exams import Exam, make_cohort

CROP = Crop(size_mm=24, spacing_mm=2.0)
ALL = Crop(size_mm=24, spacing_mm=2.0, channels=("image", "mask", "distance"))
WORKER = """
import pickle, sys
from pathlib import Path
from bench.imaging.crop import Crop
cohort = pickle.loads(Path(sys.argv[1]).read_bytes())
print("ready", flush=True)
print(cohort.crops(Crop(size_mm=24, spacing_mm=2.0)).shape)
"""


def start(cohort: Cohort, folder: Path) -> subprocess.Popen[str]:
    """Another process that opens the crops of the cohort; returns once it is about to."""
    (folder / "cohort.pickle").write_bytes(pickle.dumps(cohort))
    command = [sys.executable, "-c", WORKER, str(folder / "cohort.pickle")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_crops_are_those_of_each_case_in_the_order_of_the_cohort(cohort: Cohort) -> None:
    subset = cohort.take(["case4", "case1", "case5"])
    crops = subset.crops(ALL)
    assert crops.shape == (3, 3, 12, 12, 12) and len(crops) == 3
    for crop, (case_id, row) in zip(crops, subset.files.loc[list(subset.case_ids)].iterrows(), strict=True):
        expected = cut_crop(case_id, cohort.folder / row["image"], cohort.folder / row["mask"], CROP)
        np.testing.assert_allclose(crop[[0, 2]], expected[[0, 2]], atol=0.02)
    assert {path.suffix for path in crop_file(cohort.crop_source(), ALL).parent.iterdir()} == {
        ".npy",
        ".json",
        ".lock",
    }


def test_every_way_of_indexing_gives_the_same_float32_numbers(cohort: Cohort) -> None:
    crops = cohort.crops(ALL)
    whole = np.asarray(crops)
    assert whole.dtype == np.float32 and whole.shape == crops.shape
    np.testing.assert_array_equal(crops[2], whole[2])
    np.testing.assert_array_equal(crops[-1], whole[5])
    np.testing.assert_array_equal(crops[np.array([5, 0])], whole[[5, 0]])
    np.testing.assert_array_equal(crops[[5, 0]], whole[[5, 0]])
    np.testing.assert_array_equal(crops[1:4], whole[1:4])
    np.testing.assert_array_equal(crops[np.arange(6) % 2 == 0], whole[::2])
    assert crops[[]].shape == (0, 3, 12, 12, 12)
    with pytest.raises(IndexError):
        crops[6]


def test_channels_come_in_the_order_asked_for(cohort: Cohort) -> None:
    turned = cohort.crops(replace(ALL, channels=("distance", "image")))
    np.testing.assert_array_equal(turned[:], cohort.crops(ALL)[:][:, [2, 0]])


def test_the_mask_is_where_the_stored_distance_is_not_positive(cohort: Cohort) -> None:
    _, mask, distance = np.moveaxis(cohort.crops(ALL)[:], 1, 0)
    np.testing.assert_array_equal(mask, distance <= 0)


def test_regions_follow_the_stored_distance(cohort: Cohort) -> None:
    regions = cohort.regions(CROP, core_mm=2.0)
    distance = cohort.crops(ALL)[:][:, 2]
    expected = np.stack([region_masks(each, core_mm=2.0) for each in distance])
    assert regions.shape == expected.shape == (6, 3, 12, 12, 12)
    np.testing.assert_array_equal(regions[:], expected)
    np.testing.assert_array_equal(regions[3], expected[3])
    np.testing.assert_array_equal(np.asarray(regions), expected)
    assert regions[[]].shape == (0, 3, 12, 12, 12) and regions[:].dtype == bool


def test_one_cache_serves_every_subset_and_channel(cohort: Cohort, capfd: pytest.CaptureFixture[str]) -> None:
    cohort.take(["case3"]).crops(CROP)
    cohort.blind().crops(ALL)
    cohort.regions(CROP)
    assert capfd.readouterr().err.count("crops of spheres") == 2  # one build: a line at its start and its end


def test_the_fingerprint_covers_grid_and_spacing_but_not_channels() -> None:
    assert preprocessing_fingerprint(CROP) == preprocessing_fingerprint(ALL)
    others = {preprocessing_fingerprint(Crop(*grid)) for grid in ((24, 2.0), (26, 2.0), (24, 1.0), (12, 1.0))}
    assert len(others) == 4
    assert preprocessing_fingerprint(Crop(24, 2)) == preprocessing_fingerprint(CROP)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["truncated", "text", "other shape", "no description", "other cases"])
def test_a_damaged_cache_is_built_again(cohort: Cohort, damage: str) -> None:
    before = cohort.crops(ALL)[:]
    path = crop_file(cohort.crop_source(), ALL)
    description = path.with_suffix(".json")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "text":
        path.write_text("nothing like an array")
    elif damage == "other shape":
        np.save(path, np.zeros((5, 3, 12, 12, 12), np.float16))
    elif damage == "no description":
        description.unlink()
    else:
        found = json.loads(description.read_text())
        description.write_text(json.dumps({**found, "case_ids": found["case_ids"][::-1]}))
    np.testing.assert_array_equal(cohort.crops(ALL)[:], before)


@pytest.mark.slow
def test_two_processes_at_once_build_once(cohort: Cohort, tmp_path: Path) -> None:
    path = crop_file(cohort.crop_source(), CROP)
    path.parent.mkdir(parents=True)
    with FileLock(path.with_suffix(".lock")):  # holds both back, so that they surely meet
        processes = [start(cohort, tmp_path) for _ in range(2)]
        time.sleep(0.3)
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert {out for out, _ in results} == {"(6, 2, 12, 12, 12)\n"}
    assert sorted(err.count("done in") for _, err in results) == [0, 1]


@pytest.mark.slow
def test_a_build_that_was_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    names = [f"case{i}" for i in range(120)]
    image, mask = Exam(size=(64, 64, 64)).write(tmp_path)
    cohort = make_cohort(tmp_path, names, [(image.name, mask.name)] * len(names))
    process = start(cohort, tmp_path)
    path = crop_file(cohort.crop_source(), CROP)
    deadline = time.monotonic() + 30
    while not path.with_suffix(".part").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert path.with_suffix(".part").exists() and not path.exists()
    crops = cohort.crops(ALL)
    np.testing.assert_allclose(crops[-1], cut_crop("case119", image, mask, CROP), atol=0.02)
    assert not path.with_suffix(".part").exists()


def test_broken_cases_are_named_together(cohort: Cohort) -> None:
    (cohort.folder / "case1_image.nrrd").unlink()
    (cohort.folder / "case3_mask.nii.gz").write_bytes(b"")
    with pytest.raises(CohortError) as caught:
        cohort.take(["case0"]).crops(CROP)
    message = str(caught.value)
    assert message.startswith("2 of 6 cases of cohort 'spheres' cannot be cropped:\ncase 'case1': image ")
    assert "\ncase 'case3': mask " in message and "more" not in message
    assert not list(crop_file(cohort.crop_source(), CROP).parent.glob("*.[np]*"))


def test_of_many_broken_cases_ten_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    names = [f"case{i}" for i in range(13)]
    cohort = make_cohort(tmp_path, names, [("gone.nii", "gone.nii")] * 13)
    with pytest.raises(CohortError, match=r"^13 of 13 cases") as caught:
        cohort.crops(CROP)
    assert str(caught.value).count("does not exist") == 10
    assert "\n... and 3 more\n" in str(caught.value)


FILLING = """
import pickle, resource, sys, threading, time
from pathlib import Path
from bench.errors import BenchError
from bench.imaging.cache import crop_file
from bench.imaging.crop import Crop
cohort, crop = pickle.loads(Path(sys.argv[1]).read_bytes()), Crop(size_mm=48, spacing_mm=1.0)
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
else:
    def fill():
        part = crop_file(cohort.crop_source(), crop).with_suffix(".part")
        filler = Path(sys.argv[2]) / "filler"
        while not part.exists():
            time.sleep(0.001)
        with filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)) == 4096:
                pass
    threading.Thread(target=fill, daemon=True).start()
try:
    print(cohort.crops(crop).shape)
except BenchError as error:
    print(error)
"""


def fill(cohort: Cohort, folder: Path, way: str) -> "subprocess.CompletedProcess[str]":
    (folder / "cohort.pickle").write_bytes(pickle.dumps(cohort))
    command = [sys.executable, "-c", FILLING, str(folder / "cohort.pickle"), way]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_cache_that_may_not_grow_is_told_in_one_line(cohort: Cohort, tmp_path: Path) -> None:
    done = fill(cohort, tmp_path, "limit")
    assert done.returncode == 0, done.stderr
    assert "the disk is full; make room, or name another place with BENCH_CACHE" in done.stdout
    assert not list(crop_file(cohort.crop_source(), CROP).parent.glob("*.part"))


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 5 MB that holds the cache; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    monkeypatch.setenv("BENCH_CACHE", str(disk / "cache"))
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_while_crops_are_cut_does_not_end_the_process(
    cohort: Cohort, tmp_path: Path, small_disk: Path
) -> None:
    done = fill(cohort, tmp_path, str(small_disk))
    assert done.returncode == 0, (done.returncode, done.stderr)
    # Space taken before the disk was full suffices; else there is a line that says so.
    assert done.stdout == "(6, 2, 48, 48, 48)\n" or "the disk is full; make room" in done.stdout


def test_a_disk_that_is_too_small_or_full_is_told_and_a_run_goes_on_after_room_is_made(
    cohort: Cohort, small_disk: Path
) -> None:
    with pytest.raises(MachineError, match=r"needs 0.0\d+ GB in .*are free: the disk is full; make room"):
        cohort.crops(Crop(size_mm=96, spacing_mm=1.0))
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    with pytest.raises(MachineError, match="the disk is full; make room, or name another place"):
        cohort.crops(CROP)
    filler.unlink()
    assert cohort.crops(CROP).shape == (6, 2, 12, 12, 12)


def test_a_cache_that_cannot_be_written_is_told(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(MachineError, match=r"cannot write the crop cache to .*: Not a directory; make room"):
        cohort.crops(CROP)


def test_importing_the_imaging_modules_loads_no_deep_learning() -> None:
    code = (
        "import sys, bench.imaging.cache; print([m for m in ('torch', 'monai', 'timm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
