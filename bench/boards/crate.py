"""A frozen board as an RO-Crate: its files with their hashes, and what they were made of and with.

RO-Crate 1.1, https://www.researchobject.org/ro-crate/1.1/, with the run as the profile for processes has it.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.predictions.results import Results

CRATE = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
VERSION = "https://w3id.org/ro/crate/1.1"
PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
# What lies in the folder of a board: its form, and what it is.
CONTENT = {
    "board.md": ("text/markdown", "The board, for people"),
    "board.csv": ("text/csv", "The board, a row a method and task"),
    "predictions.csv.gz": ("application/gzip", "Predictions and truth, a row a method, seed, case and task"),
    "records.json": (
        "application/json",
        "Cohort, split and tasks, and of every cell what reproducing it takes",
    ),
}
NOT_STATED = "The licence of the cohort is not stated."


def write_crate(place: Path, results: Results) -> None:
    """Write the metadata of a board's folder beside its files."""
    graph = [*_about(place, results), *_files(place), *_sources(results), *_run(results)]
    content = {"@context": CONTEXT, "@graph": graph}
    (place / CRATE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def crate_differences(place: Path) -> Iterator[str]:
    """Files of a board whose content is not the one that its crate has the hash of, if it has a crate."""
    if not (place / CRATE).is_file():
        return
    try:
        graph = json.loads((place / CRATE).read_text(encoding="utf-8"))["@graph"]
        listed = {entity["@id"]: entity["sha256"] for entity in graph if "sha256" in entity}
    except (ValueError, KeyError, TypeError) as error:
        yield f"{CRATE} cannot be read: {error}"
        return
    for name, content in listed.items():
        if not (place / name).is_file() or _hash(place / name) != content:
            yield f"{CRATE}: {name} is not the file that it was made with"


def _about(place: Path, results: Results) -> Iterator[dict[str, Any]]:
    flag = "SYNTHETIC cohort: no number is about real patients. " if results.synthetic else ""
    yield {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": VERSION},
        "about": {"@id": "./"},
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Leaderboard: {results.cohort_title or results.cohort}, {results.split}",
        "description": flag + results.estimand,
        "license": results.licence or NOT_STATED,
        "datePublished": max(_started(results))[:10],
        "conformsTo": {"@id": PROCESS},
        "hasPart": [{"@id": name} for name in CONTENT if (place / name).is_file()],
        "mentions": {"@id": "#run"},
    }
    yield {"@id": PROCESS, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}


def _files(place: Path) -> Iterator[dict[str, Any]]:
    for name, (form, text) in CONTENT.items():
        if (place / name).is_file():
            yield {
                "@id": name,
                "@type": "File",
                "name": text,
                "encodingFormat": form,
                "contentSize": str((place / name).stat().st_size),
                "sha256": _hash(place / name),
            }


def _sources(results: Results) -> Iterator[dict[str, Any]]:
    yield {
        "@id": "#cohort",
        "@type": "Dataset",
        "name": Path(results.cohort).name,
        "description": results.cohort_title,
        "identifier": results.cohort_fingerprint,
        "license": results.licence or NOT_STATED,
    }
    yield {
        "@id": "#split",
        "@type": "CreativeWork",
        "name": results.split,
        "description": results.split_title,
        "identifier": results.split_fingerprint,
    }


def _run(results: Results) -> Iterator[dict[str, Any]]:
    """The run: methods and software as instruments, cohort and split as what went in."""
    methods = [(f"#method-{number}", method) for number, method in enumerate(results.methods, 1)]
    versions = {"dcebench": "not recorded", **results.versions}
    software = [(f"#{name}", name, version) for name, version in sorted(versions.items())]
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "Methods fitted on the split, tested and ranked",
        "instrument": [{"@id": one} for one in ("#dcebench", *(place for place, _ in methods))],
        "object": [{"@id": "#cohort"}, {"@id": "#split"}],
        "result": {"@id": "./"},
        "startTime": min(_started(results)),
        "description": f"Hardware: {results.hardware}",
    }
    for place, name, version in software:
        own = {"softwareRequirements": [{"@id": one} for one, _, _ in software if one != place]}
        entity = {"@id": place, "@type": "SoftwareApplication", "name": name, "version": version}
        yield entity | (own if place == "#dcebench" else {})
    for place, method in methods:
        yield {"@id": place, "@type": "SoftwareApplication", "name": method.label}


def _started(results: Results) -> list[str]:
    """When cells of the run started, in ISO 8601; now, of a board without such records."""
    times = [
        record["started"] for method in results.methods for record in method.records if "started" in record
    ]
    return times or [datetime.now().astimezone().isoformat(timespec="seconds")]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
