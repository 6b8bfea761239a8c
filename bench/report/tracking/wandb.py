"""Runs as the folders that Weights & Biases writes offline: `wandb sync` sends them.

A ``.wandb`` file is a log in LevelDB's format of protobuf messages; the numbers of the fields are those of
``wandb_internal.proto``. Both are written here, so that wandb need not be installed.
"""

import json
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report.tracking.runs import TrackedRun

PROJECT = "dcebench"
BLOCK, HEADER = 32768, 7
START = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
RUN_ID_LENGTH = 16
# The earliest version of wandb that reads such a file.
MIN_CONSUMER = "0.12.1"
# Numbers of fields in Record, RunRecord, the items of config, summary and history, and of a timestamp.
NUMBER, HISTORY, SUMMARY, RUN, EXIT, FOOTER, START_OF_FILE = 1, 2, 3, 17, 18, 22, 21
RUN_ID, RUN_PROJECT, RUN_CONFIG, RUN_GROUP, RUN_NAME, RUN_TAGS, RUN_START = 1, 3, 4, 6, 8, 10, 17
UPDATE, KEY, VALUE_JSON = 1, 1, 16


def write_wandb(runs: Sequence[TrackedRun], out: Path) -> None:
    """Write a folder ``offline-run-DATE-ID`` a run into ``out/wandb``."""
    for run in runs:
        moment = time.strftime("%Y%m%d_%H%M%S", time.gmtime((run.started or 0) / 1000))
        name = run.id[:RUN_ID_LENGTH]
        folder = out / "wandb" / f"offline-run-{moment}-{name}"
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / f"run-{name}.wandb").write_bytes(b"".join(_log([*_records(run)])))
        _write_json(folder / "files" / "wandb-summary.json", run.metrics)
        config = {key: {"value": value} for key, value in _config(run).items()}
        _write_json(folder / "files" / "config.yaml", config)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, default=str, indent=1) + "\n", encoding="utf-8")


def _config(run: TrackedRun) -> dict[str, Any]:
    return {**run.params, **run.tags}


def _records(run: TrackedRun) -> Iterator[bytes]:
    """The messages of a run in the order in which wandb writes them, numbered from 1."""
    version = _text(1, "dcebench") + _text(2, MIN_CONSUMER)
    yield _message(START_OF_FILE, _message(1, version))
    history = b"".join(_message(1, _item(name, value)) for name, value in {"_step": 0, **run.metrics}.items())
    bodies = (
        (RUN, _run(run)),
        (HISTORY, history + _message(2, _number(1, 0))),
        (SUMMARY, _updates(run.metrics)),
        (EXIT, _number(1, 0 if run.completed else 1) + _number(2, _runtime(run))),
        (FOOTER, b""),
    )
    for number, (field, body) in enumerate(bodies, start=1):
        yield _number(NUMBER, number) + _message(field, body)


def _run(run: TrackedRun) -> bytes:
    started = _number(1, (run.started or 0) // 1000)
    return b"".join(
        (
            _text(RUN_ID, run.id[:RUN_ID_LENGTH]),
            _text(RUN_PROJECT, PROJECT),
            _message(RUN_CONFIG, _updates(_config(run))),
            _text(RUN_GROUP, run.experiment),
            _text(RUN_NAME, run.name),
            *(_text(RUN_TAGS, tag) for tag in (["synthetic"] if run.tags.get("synthetic") == "True" else [])),
            _message(RUN_START, started),
        )
    )


def _runtime(run: TrackedRun) -> int:
    return max(0, ((run.ended or 0) - (run.started or 0)) // 1000)


def _updates(values: Mapping[str, Any]) -> bytes:
    return b"".join(_message(UPDATE, _item(name, value)) for name, value in values.items())


def _item(name: str, value: Any) -> bytes:
    return _text(KEY, name) + _text(VALUE_JSON, json.dumps(value, default=str))


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _log(records: Sequence[bytes]) -> Iterator[bytes]:
    """Records as blocks of a LevelDB log; one that does not fit into a block goes on in the next."""
    yield START
    place = len(START)
    for record in records:
        kind, rest = FIRST, record
        while True:
            room = BLOCK - place % BLOCK
            if room < HEADER:
                yield bytes(room)
                place, room = place + room, BLOCK
            part, rest = rest[: room - HEADER], rest[room - HEADER :]
            kind = (FULL if kind == FIRST else LAST) if not rest else kind
            yield struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            place += HEADER + len(part)
            if not rest:
                break
            kind = MIDDLE
