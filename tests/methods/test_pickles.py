"""Pickles are found whatever packs them, and other formats are not taken for one."""

import base64
import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from bench.methods.contract.pickles import holds_pickle, noting_pickles

MODEL = {"weights": [0.1, 0.2], "name": "model"}


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", content)
    return file.getvalue()


def objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([MODEL], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol_are_found(protocol: int) -> None:
    assert holds_pickle(pickle.dumps(MODEL, protocol=protocol))


@pytest.mark.parametrize(
    "content",
    [
        zipped(pickle.dumps(MODEL)),
        gzip.compress(pickle.dumps(MODEL)),
        zipped(gzip.compress(pickle.dumps(MODEL))),
        json.dumps({"model": base64.b64encode(pickle.dumps(MODEL)).decode()}).encode(),
        objects(),
    ],
    ids=["zip", "gzip", "gzip in zip", "base64 in JSON", "array of objects"],
)
def test_packed_pickles_are_found(content: bytes) -> None:
    assert holds_pickle(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"0.5\n",
        json.dumps({**MODEL, "digest": "0123456789abcdef" * 4}).encode(),
        save({"weights": np.random.default_rng(0).normal(size=10_000)}),
        zipped(json.dumps(MODEL).encode()),
    ],
    ids=["nothing", "number", "JSON", "safetensors", "JSON in zip"],
)
def test_other_formats_are_no_pickles(content: bytes) -> None:
    assert not holds_pickle(content)


def test_calls_of_pickle_are_noted_in_c_and_in_python(tmp_path: Path) -> None:
    with noting_pickles() as calls:
        json.dumps(MODEL)
        (tmp_path / "x").write_text("x")
    assert calls == []
    with noting_pickles() as calls:
        pickle.dumps(MODEL)
    assert calls == ["pickle.dumps"]
    with noting_pickles() as calls:
        pickle._Pickler(io.BytesIO()).dump(MODEL)  # type: ignore[attr-defined]
    assert "pickle.dump" in calls
