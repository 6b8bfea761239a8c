"""Records as the files of trackers: read back as those trackers read them."""

import json
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.metrics import auc
from bench.report.tracking.runs import TrackedRun
from bench.report.tracking.wandb import BLOCK, write_wandb
from bench.store.export import export_predictions
from bench.store.store import Store
from tests.command import bench

COHORT = ("--cohort", "phantom-tiny")


def exported(kind: str, store: Path, out: Path, *words: str) -> str:
    ended = bench("export", kind, "--store", str(store), "--out", str(out), *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_table_has_a_row_a_cell_with_its_test_values(finished_store: Path, tiny, tmp_path: Path) -> None:
    said = exported("csv", finished_store, tmp_path / "records.csv", *COHORT)
    table = pd.read_csv(tmp_path / "records.csv")
    assert said == f"10 records written to {tmp_path / 'records.csv'}\n" and len(table) == 10
    stored = export_predictions(tiny, "internal_cv", Store(finished_store))
    own = stored[(stored.method == "tumour_size") & (stored.fold == 2) & (stored.task == "er")].dropna()
    row = table[(table.param_method == "tumour_size") & (table.param_fold == 2)].iloc[0]
    expected = auc(own.truth.to_numpy(float), own.prediction.to_numpy(float), np.zeros(len(own)))
    assert row.metric_test_er_auc == pytest.approx(expected)
    assert set(table.tag_synthetic) == {True} and table.metric_fit_seconds.ge(0).all()


def test_without_a_cohort_no_value_needs_the_truth(finished_store: Path, tmp_path: Path) -> None:
    exported("csv", finished_store, tmp_path / "records.csv")
    table = pd.read_csv(tmp_path / "records.csv")
    assert len(table) == 10 and not [name for name in table if name.startswith("metric_test")]


def test_what_cannot_be_exported_is_refused(finished_store: Path, tmp_path: Path) -> None:
    ended = bench("export", "--out", str(tmp_path / "x"))
    assert ended.returncode == 2 and "name the split with --split, or what to export" in ended.stderr
    ended = bench("export", "mlflow", "--store", str(tmp_path / "none"), "--out", str(tmp_path / "x"))
    assert ended.returncode == 2 and "no finished cell of any cohort" in ended.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    ended = bench("export", "wandb", "--store", str(finished_store), "--out", str(tmp_path / "full"))
    assert ended.returncode == 2 and "is not an empty folder" in ended.stderr


def records(path: Path) -> Iterator[bytes]:
    """The records of a LevelDB log with wandb's start, by the description of the format."""
    content = path.read_bytes()
    assert content[:7] == b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    place, parts = 7, b""
    while place < len(content):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        checksum, length, kind = struct.unpack_from("<IHB", content, place)
        part = content[place + 7 : place + 7 + length]
        assert zlib.crc32(bytes([kind]) + part) == checksum and len(part) == length
        parts += part
        place += 7 + length
        if kind in (1, 4):
            yield parts
            parts = b""
    assert not parts


@pytest.mark.parametrize("size", [0, BLOCK - 400, BLOCK - 7, BLOCK, 3 * BLOCK + 5])
def test_long_records_go_on_in_the_next_block(size: int, tmp_path: Path) -> None:
    run = TrackedRun("0" * 32, "x", "c, s", True, 1000, 5000, {"text": "a" * size}, {"m": 0.5}, {})
    write_wandb([run], tmp_path)
    found = [*records(next(tmp_path.rglob("*.wandb")))]
    assert len(found) == 6 and b'"' + b"a" * size + b'"' in found[1]


READ_MLFLOW = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
names = {one.experiment_id: one.name for one in mlflow.search_experiments()}
found = mlflow.search_runs(search_all_experiments=True, output_format="list")
print(json.dumps([
    [names[run.info.experiment_id], run.info.run_name, run.info.status, run.data.params, run.data.metrics]
    for run in found
]))
"""
READ_WANDB = """
import json, sys
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal.datastore import DataStore
found = []
for path in sys.argv[1:]:
    store, kinds, run = DataStore(), [], {}
    store.open_for_scan(path)
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kinds.append(record.WhichOneof("record_type"))
        if kinds[-1] == "run":
            run = {one.key: json.loads(one.value_json) for one in record.run.config.update}
            run["name"], run["group"] = record.run.display_name, record.run.run_group
        if kinds[-1] == "summary":
            run["summary"] = {one.key: json.loads(one.value_json) for one in record.summary.update}
    found.append([kinds, run])
print(json.dumps(found))
"""


def read_by(program: str, folder: Path, requirement: str, *words: str) -> list:
    """What a tracker of its own environment reads; skipped where that cannot be made."""
    if shutil.which("uv") is None:
        pytest.skip("needs uv")
    python = folder / "venv" / "bin" / "python"
    made = subprocess.run(["uv", "venv", "-q", "--python", "3.11", str(folder / "venv")], check=False)
    install = ["uv", "pip", "install", "-q", "--python", str(python), *requirement.split()]
    if made.returncode or subprocess.run(install, check=False).returncode:
        pytest.skip(f"{requirement} cannot be installed here")
    ended = subprocess.run(
        [str(python), "-c", program, *words],
        env={"MLFLOW_ALLOW_FILE_STORE": "true", "HOME": str(folder), "WANDB_MODE": "offline"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: list = json.loads(ended.stdout)
    return found


def expected_runs(store: Path, folder: Path) -> pd.DataFrame:
    exported("csv", store, folder / "records.csv", *COHORT)
    return pd.read_csv(folder / "records.csv").set_index("name")


@pytest.mark.slow
def test_mlflow_reads_what_was_written(finished_store: Path, tmp_path: Path) -> None:
    exported("mlflow", finished_store, tmp_path / "mlruns", *COHORT)
    table = expected_runs(finished_store, tmp_path)
    found = read_by(READ_MLFLOW, tmp_path, "mlflow-skinny pandas", (tmp_path / "mlruns").as_uri())
    assert {name for _, name, *_ in found} == set(table.index)
    for experiment, name, status, params, metrics in found:
        row = table.loc[name]
        assert (experiment, status) == ("phantom-tiny, internal_cv", "FINISHED")
        assert params["method"] == row.param_method and int(params["fold"]) == row.param_fold
        for key, value in metrics.items():
            assert row[f"metric_{key}"] == pytest.approx(value)


@pytest.mark.slow
def test_wandb_reads_what_was_written(finished_store: Path, tmp_path: Path) -> None:
    exported("wandb", finished_store, tmp_path / "out", *COHORT)
    table = expected_runs(finished_store, tmp_path)
    # The last series whose reader is Python; the format is the same since.
    paths = sorted(map(str, (tmp_path / "out" / "wandb").glob("offline-run-*/run-*.wandb")))
    found = read_by(READ_WANDB, tmp_path, "wandb==0.17.9 setuptools<80", *paths)
    assert {run["name"] for _, run in found} == set(table.index)
    for kinds, run in found:
        assert kinds == ["header", "run", "history", "summary", "exit", "footer"]
        assert run["group"] == "phantom-tiny, internal_cv" and run["synthetic"] == "True"
        for key, value in run["summary"].items():
            assert table.loc[run["name"], f"metric_{key}"] == pytest.approx(value)
