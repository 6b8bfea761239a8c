"""Run an importer: studies in parallel, each kept as soon as it is written, then one cohort folder."""

import multiprocessing
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from bench.cohorts.importers.assemble import assemble
from bench.cohorts.importers.importer import Excluded, Importer, Study
from bench.cohorts.importers.part import PARTS, Job, excluded_row, write_part
from bench.cohorts.importers.pseudonyms import HASH, KEEP, pseudonyms_of
from bench.cohorts.importers.report import ImportReport
from bench.errors import BenchError, UsageError, parameter
from bench.files import write_whole, writing
from bench.progress import progress_bar

OPTIONS = "options"


def import_cohort(
    importer: Importer, out: Path, jobs: int = 1, quiet: bool = False, ids: str = ""
) -> ImportReport:
    """Write a cohort folder with everything that an importer finds, and report what became of it.

    An import that was stopped goes on where it stopped, and gives the same files as one that was not; its
    unfinished parts lie in ``out/.import`` until then.

    Parameters
    ----------
    out
        Folder to write; empty, missing, or that of the same import stopped before.
    jobs
        Studies read at a time, each in a process of its own; the output does not depend on it.
    ids
        ``hash``, ``keep``, or a table with the columns id and new_id. Where empty, the ids of public
        collections stay, and others are hashed.

    Raises
    ------
    UsageError
        ``out`` holds something else.
    BenchError
        The source lacks files, holds no case, or ``out`` cannot be written.
    """
    card = importer.card()
    names = pseudonyms_of(ids or (KEEP if card.ids_published else HASH))
    job = Job(importer, card, names, out)
    with writing(out, "the cohort", parameter("out")):
        _claim(job, ids)
        studies, excluded = _studies(job)
        problems = _write_parts(job, studies, jobs, quiet)
        parts = [job.part_file(study) for study in studies]
        report = assemble(card, type(importer).__name__, parts, excluded, out)
        shutil.rmtree(out / PARTS)
    return replace(report, problems=tuple(problems))


def _claim(job: Job, ids: str) -> None:
    """Make the folder, or find that it is of the same import; raises UsageError where it is of another."""
    options = job.names.digest(f"{job.importer!r} {ids}")
    written = job.out / PARTS / OPTIONS
    if job.out.is_dir() and any(job.out.iterdir()):
        if not written.is_file():
            raise UsageError(f"{job.out} is not empty; name another folder with {parameter('out')}")
        if written.read_text() != options:
            raise UsageError(
                f"{job.out} holds an unfinished import with other options; remove it, or name another folder "
                f"with {parameter('out')}"
            )
    written.parent.mkdir(parents=True, exist_ok=True)
    write_whole(written, options)


def _studies(job: Job) -> tuple[list[Study], list[dict[str, str]]]:
    studies: dict[str, Study] = {}
    excluded = []
    for found in job.importer.studies():
        if isinstance(found, Excluded):
            excluded.append(excluded_row(found, job.names))
        elif found.key in studies:
            excluded.append(excluded_row(Excluded(found.key, found.patient, "id there twice"), job.names))
        else:
            studies[found.key] = found
    return list(studies.values()), excluded


def _write_parts(job: Job, studies: Sequence[Study], jobs: int, quiet: bool) -> list[str]:
    """Write the part of every study that has none yet; what was wrong with single ones."""
    left = [study for study in studies if not job.part_file(study).is_file()]
    problems: list[str] = []
    done = len(studies) - len(left)
    with progress_bar(f"importing {len(studies)} studies", quiet) as advance:
        for found in _in_order(job, left) if jobs == 1 else _in_parallel(job, left, jobs):
            problems += found
            done += 1
            advance(done, len(studies))
    return problems


def _in_order(job: Job, studies: Sequence[Study]) -> Iterator[list[str]]:
    for study in studies:
        yield write_part(job, study)


def _in_parallel(job: Job, studies: Sequence[Study], jobs: int) -> Iterator[list[str]]:
    """As many studies at a time as there are jobs, so that memory does not grow with their number."""
    context = multiprocessing.get_context("spawn")
    waiting = iter(studies)
    try:
        with ProcessPoolExecutor(jobs, context) as pool:
            running: set[Future[list[str]]] = set()
            while True:
                for study in waiting:
                    running.add(pool.submit(write_part, job, study))
                    if len(running) >= 2 * jobs:
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
    except BrokenProcessPool:
        raise BenchError(
            "a process of the import was killed, most likely for lack of memory; the same command with fewer "
            f"{parameter('jobs')} goes on where it stopped"
        ) from None
