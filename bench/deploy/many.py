"""Many exams with the models of a bundle: part by part, each part kept, so that a stop loses little."""

import hashlib
import json
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from bench.cohorts.cohort import Cohort
from bench.deploy.bundle import Bundle
from bench.deploy.predict import ExamPrediction, TaskPrediction, loaded_models, predict_exams
from bench.deploy.read_once import ReadOnce, fitting, read_once
from bench.errors import MachineError, parameter
from bench.files import cache_dir, write_whole
from bench.imaging.cache import crop_file
from bench.imaging.crop import Crop
from bench.methods.method import Method
from bench.methods.registry import load_registry
from bench.progress import hidden_bars, hide_bars, progress_bar

# Exams of a part: the most that a stop costs. Less would leave the cores idle between the parts.
PART = 24
FOLDER = "predictions"


@dataclass(frozen=True)
class Question:
    """What is asked of the models of a bundle: how they decide, and where their method comes from."""

    bundle: Bundle
    rule: str
    subtypes: str
    plugins: tuple[Path, ...] = ()


def predict_many(
    question: Question, exams: Cohort, jobs: int = 1, quiet: bool = False
) -> tuple[ExamPrediction, ...]:
    """Predictions for each exam, as :func:`bench.deploy.predict.predict_exams` gives them, in their order.

    The models are loaded once a process, and what is read of an exam is read once for all of them. Each part
    of the exams is written to the cache as it is done: the same question after a stop goes on from there.

    Parameters
    ----------
    jobs
        Processes that predict; they change no number.

    Raises
    ------
    UsageError, PluginError, CohortError
        As :func:`bench.deploy.predict.loaded_models` and :func:`bench.deploy.predict.predict_exams`.
    """
    parts = _parts(exams.blind())
    if len(parts) == 1:
        return _Reader(question, parts[0]).of(parts[0])
    journal = _journal(question, exams)
    found = _written(journal)
    missing = [part for part in parts if not set(part.case_ids) <= set(found)]
    before = f" ({len(found)} of {len(exams)} exams were kept of a run that stopped)" if found else ""
    journal.parent.mkdir(parents=True, exist_ok=True)
    write_whole(journal, _lines(found.values()))
    with progress_bar(f"predictions of {exams.name}{before}", quiet) as advance, hidden_bars():
        for said in _predicted(question, missing, jobs):
            with journal.open("a", encoding="utf-8") as file:
                file.write(_lines(said))
            found |= {one.case_id: one for one in said}
            advance(len(found), len(exams))
    journal.unlink(missing_ok=True)
    return tuple(found[case_id] for case_id in exams.case_ids)


def kept_exams(question: Question, exams: Cohort) -> int:
    """How many of the exams a prediction that was stopped has left in the cache."""
    return len(_written(_journal(question, exams)))


class _Reader:
    """The fitted models, loaded for exams of one kind."""

    def __init__(self, question: Question, exams: Cohort) -> None:
        self.question = question
        spec = load_registry(question.plugins).spec(question.bundle.method)
        self.methods: Sequence[Method] = loaded_models(question.bundle, spec, exams)

    def of(self, part: Cohort) -> tuple[ExamPrediction, ...]:
        """What the models say of a part."""
        return tuple(said for some in fitting(part) for said in self._said(read_once(part.take(some))))

    def _said(self, exams: ReadOnce) -> tuple[ExamPrediction, ...]:
        question = self.question
        return predict_exams(question.bundle, self.methods, exams, question.rule, question.subtypes)


_reader: _Reader | None = None


def _in_worker(question: Question, part: Cohort) -> tuple[ExamPrediction, ...]:
    """What the models say of a part, loaded when the process gets its first."""
    global _reader
    if _reader is None:
        _reader = _Reader(question, part)
    return _reader.of(part)


def _predicted(
    question: Question, parts: Sequence[Cohort], jobs: int
) -> Iterator[tuple[ExamPrediction, ...]]:
    """What the models say of each part, as it is done."""
    if jobs == 1 or len(parts) < 2:
        reader = _Reader(question, parts[0]) if parts else None
        yield from (reader.of(part) for part in parts if reader is not None)
        return
    with _processes(min(jobs, len(parts))) as submit:
        waiting = [submit(_in_worker, question, part) for part in parts]
        for done in as_completed(waiting):
            yield done.result()


@contextmanager
def _processes(jobs: int) -> Iterator[Callable[..., Any]]:
    """Processes of their own, as torch's threads do not survive a fork; a stop ends them at once."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield pool.submit
    except BrokenProcessPool as error:
        raise MachineError(
            "a process that predicted has ended, perhaps for want of memory; what is done is kept: run again "
            f"with {parameter('jobs', 1)}"
        ) from error
    except BaseException:
        for process in active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C and progress to the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hide_bars()


def _parts(exams: Cohort) -> list[Cohort]:
    """The exams a few at a time.

    Each part has crops of its own in the cache, so that a stop loses those of one part alone; where the
    crops of the whole folder are there already, they serve.
    """
    whole = exams.has_volumes and any(crop_file(exams.crop_source(), Crop()).parent.glob("*.npy"))
    ids = [exams.case_ids[at : at + PART] for at in range(0, len(exams), PART)]
    if len(ids) < 2 or whole or not exams.has_volumes:
        return [exams.take(some) for some in ids]
    return [_apart(exams, some) for some in ids]


def _apart(exams: Cohort, case_ids: Sequence[str]) -> Cohort:
    """Some of the exams as a cohort that knows no others."""
    others = set(exams.case_ids) - set(case_ids)
    part = exams.leave_out(dict.fromkeys(sorted(others), "another part"))
    return Cohort(**{one.name: getattr(part, one.name) for one in fields(Cohort)} | {"skipped_cases": {}})


def _journal(question: Question, exams: Cohort) -> Path:
    """Where the answers are kept while there are some to come: named by all that determines them."""
    bundle = question.bundle
    models = [[model.seed, model.fold, model.checksum, sorted(model.learned_from)] for model in bundle.models]
    thresholds = [asdict(one) for one in bundle.thresholds]
    asked = [bundle.code, models, thresholds, asdict(bundle.coverage), sorted(bundle.embeddings)]
    asked += [question.rule, question.subtypes]
    text = json.dumps([asked, exams.fingerprint, exams.case_ids], default=str)
    return cache_dir() / FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.jsonl"


def _lines(said: Iterable[ExamPrediction]) -> str:
    return "".join(json.dumps(asdict(one)) + "\n" for one in said)


def _written(journal: Path) -> dict[str, ExamPrediction]:
    """What stands in a journal by case; a line cut short ends it."""
    if not journal.is_file():
        return {}
    found = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            one = _prediction(json.loads(line))
        except ValueError:
            break
        found[one.case_id] = one
    return found


def _prediction(content: dict[str, Any]) -> ExamPrediction:
    tasks = tuple(
        TaskPrediction(**{**said, "thresholds": said["thresholds"] and tuple(said["thresholds"])})
        for said in content["tasks"]
    )
    return ExamPrediction(**{**content, "tasks": tasks, "warnings": tuple(content["warnings"])})
