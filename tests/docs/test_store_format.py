"""The page on the store format says what a finished store holds."""

import hashlib
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.door.split import make_split
from bench.running.stored_plan import FOLDER as PLANS
from bench.running.stored_plan import StoredPlan
from bench.store import claims
from bench.store.record import FORMAT, CellRecord
from bench.store.store import FAILURES, LOG, MODEL, OK, PREDICTIONS, RECORD, VALIDATION, Store
from bench.store.submission import submit
from bench.tuning.tune import JOURNAL
from tests.command import bench
from tests.docs.pages import page, table_after

PAGE = page("store_format.md")
TYPES = {str: "text", int: "integer", float: "number", bool: "true or false", list: "list of texts"}


@pytest.fixture(scope="module")
def records(finished_store: Path) -> list[Path]:
    found = sorted(finished_store.glob(f"cells/*/*/*/*/{RECORD}"))
    assert found
    return found


def column(start: str, at: int = 0) -> list[str]:
    return [row[at].strip("`") for row in table_after(PAGE, start)]


def test_the_fields_and_types_are_those_of_a_record() -> None:
    types = get_type_hints(CellRecord)
    declared = [[field.name, word_of(types[field.name])] for field in fields(CellRecord)]
    assert [[name.strip("`"), kind] for name, kind, _ in table_after(PAGE, "## record.json")] == declared


def word_of(hint: object) -> str:
    """The page's word for a type, that of the value where it may be None."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    kind = kinds[0] if type(None) in get_args(hint) else hint
    return TYPES.get(get_origin(kind) or kind, "object")  # type: ignore[call-overload]


def test_every_field_of_a_record_on_disk_is_on_the_page(records: list[Path]) -> None:
    kinds = {"text": str, "integer": int, "number": int | float, "true or false": bool, "list of texts": list}
    listed = {row[0].strip("`"): kinds.get(row[1], dict) for row in table_after(PAGE, "## record.json")}
    for path in records:
        for name, value in json.loads(path.read_text()).items():
            assert isinstance(value, listed[name]), name


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"The format is {FORMAT}." in PAGE
    assert f"renewed every {claims.RENEW_SECONDS:g} s" in PAGE
    assert f"renewed for {claims.LEASE_SECONDS:g} s" in PAGE


def test_the_files_of_a_cell_are_on_the_page(records: list[Path]) -> None:
    drawn = PAGE.split("    work/ID/")[0]
    for path in records:
        for file in path.parent.iterdir():
            assert re.search(rf"^        {re.escape(file.name)}/? ", drawn, flags=re.MULTILINE), file
    assert all(f"        {name}" in drawn for name in (RECORD, PREDICTIONS, VALIDATION, LOG, MODEL, JOURNAL))


def test_the_folders_of_a_store_are_on_the_page(finished_store: Path) -> None:
    drawn = set(re.findall(r"^    (\w+)/", PAGE, flags=re.MULTILINE))
    assert {path.name for path in finished_store.iterdir()} <= drawn


def test_a_folder_is_named_as_the_page_says(records: list[Path]) -> None:
    for path in records:
        record = json.loads(path.read_text())
        assert path.parent.name == (
            f"s{record['identity']['seed']}-f{record['identity']['fold']}-{record['id'][:12]}"
        )


def test_predictions_have_the_columns_and_types_of_the_page(records: list[Path]) -> None:
    names = {"text": {"str", "object"}, "integer": {"int64"}, "float": {"float64"}}
    wanted = {row[0].strip("`"): names[row[1]] for row in table_after(PAGE, "## Predictions")}
    for name in (PREDICTIONS, VALIDATION):
        table = pd.read_parquet(records[0].parent / name)
        assert list(table) == list(wanted)
        assert all(str(table[column].dtype) in kinds for column, kinds in wanted.items())


def test_id_and_checksums_are_computed_as_the_page_says(records: list[Path]) -> None:
    for path in records:
        record = json.loads(path.read_text())
        identity = json.dumps(record["identity"], sort_keys=True)
        assert hashlib.sha256(identity.encode()).hexdigest() == record["id"]
        whole = json.dumps({**record, "checksum": ""}, sort_keys=True)
        assert hashlib.sha256(whole.encode()).hexdigest() == record["checksum"]
        for name, digest in record["tables"].items():
            assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == digest


def test_the_keys_of_an_identity_are_those_of_the_page(records: list[Path]) -> None:
    keys = json.loads(records[0].read_text())["identity"].keys()
    assert set(column("### Identity")) == {*keys, "tuning"}


def test_a_submitted_identity_lacks_what_the_page_says(
    tiny: Cohort, finished_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sent.csv"
    words = ("--cohort", tiny.name, "--split", "internal_cv", "--store", str(finished_store))
    assert bench("predictions", *words, "--csv", str(path)).returncode == 0
    table = pd.read_csv(path, dtype=str)
    table[table["method"] == "constant"].to_csv(path, index=False)
    cell = submit(path, "sent", tiny, make_split(tiny, "internal_cv"), Store(tmp_path))[0]
    assert {*column("### Identity")} - cell.identity.keys() == {"preprocessing", "params", "tuning"}
    assert cell.identity["code"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_statuses_are_those_of_the_code() -> None:
    assert column("### Status") == [OK, *FAILURES]


def test_the_keys_of_a_claim_are_those_of_the_page(tmp_path: Path) -> None:
    held = claims.claim(tmp_path / "claims", "ab" * 32)
    assert held is not None and held.path.name == ("ab" * 32)[:16]
    assert list(json.loads(held.path.read_text())) == column("## Claims")


def test_the_keys_of_a_plan_are_those_of_the_page(finished_store: Path) -> None:
    (path,) = finished_store.glob(f"{PLANS}/*.json")
    assert list(json.loads(path.read_text())) == column("## Plans and splits")
    assert column("## Plans and splits") == [field.name for field in fields(StoredPlan)]


def test_a_stored_split_reads_back(finished_store: Path) -> None:
    for path in finished_store.glob("splits/*.json"):
        assert json.loads(path.read_text())["fingerprint"][:16] in path.name
