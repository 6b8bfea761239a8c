"""Clauses on what is predicted: shapes and ranges, and on what a prediction may depend."""

from dataclasses import replace

import numpy as np

from bench.methods.contract.clause import Breach, Clause, NotAsked
from bench.methods.contract.random_state import constant_seeds, generator_states
from bench.methods.contract.subject import TOLERANCE, Subject, require_equal


def _shapes(subject: Subject) -> None:
    _ = subject.batch


def _same_seed(subject: Subject) -> None:
    second = subject.predicted(subject.cohort)
    require_equal(subject.batch, second, 0.0, "two runs with one seed differ")


def _seed_is_used(subject: Subject) -> None:
    train, val, test = subject.parts(subject.cohort)
    predictions, states = [], []
    for seed in (0, 1):
        method = subject.fitted(train, val, seed)
        states.append(generator_states())
        predictions.append(subject.checked(method, test))
    if any(not np.array_equal(predictions[0][task], predictions[1][task]) for task in predictions[0]):
        return
    if fixed := constant_seeds(subject.spec):
        raise Breach(f"seeds 0 and 1 give the same numbers, and a generator has a fixed seed: {fixed[0]}")
    seeded = [name for name, state in states[0].items() if state == states[1][name]]
    if seeded:
        raise Breach(f"seeds 0 and 1 give the same numbers, and the fit gives {seeded[0]} a seed of its own")


def _alone(subject: Subject) -> None:
    test, batch = subject.test, subject.batch
    single = [subject.checked(subject.standard, test.take([case_id])) for case_id in test.case_ids]
    joined = {task: np.concatenate([one[task] for one in single]) for task in batch}
    require_equal(batch, joined, TOLERANCE, "a case's prediction depends on the cases beside it")
    reverse = subject.checked(subject.standard, test.take(test.case_ids[::-1]))
    turned = {task: values[::-1] for task, values in reverse.items()}
    require_equal(batch, turned, TOLERANCE, "predictions do not follow the order of the cases")


def _twice(subject: Subject) -> None:
    again = subject.checked(subject.standard, subject.test)
    require_equal(subject.batch, again, 0.0, "the same cases, predicted again, have other predictions")


def _vary(subject: Subject) -> None:
    if not subject.spec.needs:
        raise NotAsked("not asked: the method needs nothing of a case")
    if all(np.ptp(values) == 0 for values in subject.batch.values()):
        raise Breach("every case has the same prediction in every task, though the method reads the cases")


def _ids(subject: Subject) -> None:
    if "features" in subject.spec.needs:
        raise NotAsked("not asked: a feature table names the cases too")
    cohort = subject.cohort
    renamed = cohort.table.rename(index=lambda case_id: f"x{case_id}")
    renamed["patient_id"] = [f"x{patient}" for patient in renamed["patient_id"]]
    moved = replace(
        cohort,
        table=renamed,
        files=cohort.files.rename(index=lambda case_id: f"x{case_id}"),
        as_loaded=tuple(case._replace(case_id=f"x{case.case_id}") for case in cohort.as_loaded),
        fingerprint=cohort.fingerprint[::-1],
    )
    require_equal(subject.batch, subject.predicted(moved), TOLERANCE, "predictions follow the names of cases")


CLAUSES = (
    Clause(
        "BC01",
        "predicts each declared task, one number per case, within its range",
        "What is scored is a number per case and task; anything else cannot be compared.",
        "The method is fitted on a third of a synthetic cohort of 36 cases and predicts another third. "
        "fit must return self; predict a dict with one array of shape (case,) for each task, all finite, "
        "binary tasks from 0 to 1 and continuous ones within their range.",
        "Return a probability for binary tasks (apply a sigmoid to logits), clip continuous ones to "
        "task.bounds, and take the tasks from train.tasks.",
        _shapes,
        quick=True,
    ),
    Clause(
        "BC02",
        "gives the same numbers for the same seed",
        "A result that nobody can repeat is no result.",
        "Two fits with one seed must predict the same numbers, bit by bit.",
        "Take all randomness from run.seed; pass it to every generator and random_state.",
        _same_seed,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC03",
        "uses the seed that it is given",
        "The spread over seeds is shown beside the scores; a fixed seed makes it 0 and hides the luck.",
        "Seeds 0 and 1 give the same numbers, and the code seeds a generator with a constant, or a global "
        "generator has the same state after both fits. A method without randomness is not meant.",
        "Write run.seed where the constant stands.",
        _seed_is_used,
        where="fit",
    ),
    Clause(
        "BC04",
        "predicts a case without regard to the other test cases",
        "Patients come one at a time; statistics of the test cases are knowledge of the test set.",
        "Twelve test cases are predicted together, one by one, and in reverse order.",
        "Take means, ranks and quantiles from the training cases; call eval() on networks with batch "
        "normalisation; return predictions in the order of cohort.case_ids.",
        _alone,
        quick=True,
    ),
    Clause(
        "BC05",
        "predicts the same when it is asked again",
        "A run asks twice, for test and for validation cases; a prediction must not change the model.",
        "The same cases are predicted twice, and must have the same numbers, bit by bit.",
        "Do not change self in predict; switch dropout and noise off.",
        _twice,
        quick=True,
    ),
    Clause(
        "BC06",
        "gives different cases different predictions",
        "A model that has collapsed to one value scores as the baseline, and looks like a weak method.",
        "All twelve test cases have the same prediction in every task. Methods that declare needs=() are "
        "not asked.",
        "Look for features that are all zero, a dead network, labels lost on the way; a constant baseline "
        "declares needs=().",
        _vary,
        quick=True,
    ),
    Clause(
        "BC07",
        "does not read the names of cases and patients",
        "Names often follow site or date of the exam, and so the label.",
        "The cases and patients get other names in the same order; predictions must stay.",
        "Leave case_ids and patient_ids out of the features; group by patient, but do not learn from names.",
        _ids,
    ),
)
