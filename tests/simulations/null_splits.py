"""Mean AUC of predictors without any signal, by how the cases were cut: 0.5 is right.

    python tests/simulations/null_splits.py --cases 177 --repeats 4000

Three sites and labels drawn independently of them and of each other: one task of prevalence .18 or .74, or
four (.74, .65, .18 and a continuous one), of which the first and the third are read. The cuts: ``stratify``
with the sites and labels as levels; ``greedy``, the iterative stratification of Sechidis et al. (ECML PKDD
2011) with the same levels; ``labels``, scikit-learn's stratification by the label of the one task alone. The
predictors learn on the training part of each fold: the prevalence of each site; the direction of a random
covariate; a linear model of site, two random covariates and, with four tasks, the labels of the others. AUC
counts pairs of the same fold.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from bench.splits.cases import TASK_BINS
from bench.splits.stratify import quantile_bins, stratify

SITES = (0.45, 0.34, 0.21)
PREVALENCES = {"er": 0.74, "pr": 0.65, "her2": 0.18}
TASKS = (("her2",), ("er",), ("er", "pr", "her2", "ki67"))
SHARES = {"hold-out": [0.7, 0.1, 0.2], "5 folds": [1.0] * 5}
Cut = Callable[[np.ndarray, np.ndarray, np.ndarray, list[float], np.random.Generator], np.ndarray]


def main() -> None:
    """Print a line for each cut, protocol and set of tasks: mean AUC and standard error of each predictor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=177)
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--cut", choices=CUTS, action="append")
    parser.add_argument("--protocol", choices=SHARES, action="append")
    parser.add_argument("--tasks", choices=(1, 4), type=int, action="append")
    asked = parser.parse_args()
    print(f"{asked.cases} cases, {asked.repeats} repeats: mean AUC +- standard error", flush=True)
    for cut, protocol, tasks in product(asked.cut or CUTS, asked.protocol or SHARES, TASKS):
        shares, wanted = SHARES[protocol], len(tasks) in (asked.tasks or (1, 4))
        if wanted and not (cut == "labels" and len(tasks) > 1):
            repeats = range(asked.repeats)
            found = [row for k in repeats for row in repeat(CUTS[cut], asked.cases, shares, tasks, k)]
            for task in sorted(set(tasks) & {"er", "her2"}):
                values = {
                    name: [auc for entry, name_, auc in found if entry == task and name_ == name]
                    for name in PREDICTORS
                }
                cells = [f"{name} {mean_and_error(value)}" for name, value in values.items()]
                where = f"{cut:8}  {protocol:8}  {len(tasks)} task(s)  {PREVALENCES[task]:.2f}"
                print("  ".join([where, *cells]), flush=True)


def mean_and_error(values: list[float]) -> str:
    """Mean and standard error as printed."""
    return f"{np.mean(values):.4f} +- {np.std(values) / np.sqrt(len(values)):.4f}"


def repeat(
    cut: Cut, cases: int, shares: list[float], tasks: tuple[str, ...], number: int
) -> Iterator[tuple[str, str, float]]:
    """Task, predictor and AUC of one drawn cohort, cut once."""
    rng = np.random.default_rng([cases, number])
    site = rng.choice(len(SITES), cases, p=SITES)
    labels = {
        task: (rng.random(cases) < PREVALENCES[task]).astype(float)
        if task in PREVALENCES
        else rng.normal(size=cases)
        for task in tasks
    }
    noise = rng.normal(size=(cases, 2))
    part_of = cut(site, _levels(site, labels), labels[tasks[0]], shares, rng)
    for task in sorted(set(tasks) & {"er", "her2"}):
        others = [value for name, value in labels.items() if name != task]
        inputs = np.column_stack([*(site == k for k in range(3)), noise, *others]).astype(float)
        for name, predictor in PREDICTORS.items():
            area = mean_area(part_of, labels[task], inputs, predictor, len(shares))
            if area is not None:
                yield task, name, area


def mean_area(
    part_of: np.ndarray,
    label: np.ndarray,
    inputs: np.ndarray,
    predictor: Callable[..., np.ndarray],
    parts: int,
) -> float | None:
    """AUC over the pairs of each fold; None where no fold has both classes in both parts."""
    right = pairs = 0.0
    for test_part in range(parts) if parts == 5 else [2]:
        test = part_of == test_part
        train = ~test if parts == 5 else part_of == 0
        if len(set(label[test])) < 2 or len(set(label[train])) < 2:
            continue
        scores = predictor(inputs[train], label[train], inputs[test])
        apart = np.subtract.outer(scores[label[test] == 1], scores[label[test] == 0])
        right += (apart > 0).sum() + 0.5 * (apart == 0).sum()
        pairs += apart.size
    return right / pairs if pairs else None


def by_site(train: np.ndarray, label: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Prevalence of the site among the training cases, half a case of each class added."""
    prevalence = (train[:, :3].T @ label + 0.5) / (train[:, :3].sum(axis=0) + 1)
    return test[:, :3] @ prevalence.round(12)


def by_noise(train: np.ndarray, label: np.ndarray, test: np.ndarray) -> np.ndarray:
    """A random covariate in the direction that the training cases show."""
    return np.sign(train[label == 1, 3].mean() - train[label == 0, 3].mean()) * test[:, 3]


def by_model(train: np.ndarray, label: np.ndarray, test: np.ndarray) -> np.ndarray:
    """A ridge regression of the label on everything."""
    centre = train.mean(axis=0)
    inputs = train - centre
    gram = inputs.T @ inputs + np.eye(train.shape[1])
    return (test - centre) @ np.linalg.solve(gram, inputs.T @ (label - label.mean()))


PREDICTORS = {"site": by_site, "noise": by_noise, "model": by_model}


def _levels(site: np.ndarray, labels: dict[str, np.ndarray]) -> np.ndarray:
    """Levels of the sites and of each task, bool, shape (case, level)."""
    codes = [quantile_bins(value, TASK_BINS) if task == "ki67" else value for task, value in labels.items()]
    return np.column_stack([entry == code for entry in (site, *codes) for code in np.unique(entry)])


def by_stratify(
    site: np.ndarray, levels: np.ndarray, label: np.ndarray, shares: list[float], rng: np.random.Generator
) -> np.ndarray:
    """The cut of the benchmark."""
    return stratify(np.arange(len(site)), levels, shares, rng)


def by_labels(
    site: np.ndarray, levels: np.ndarray, label: np.ndarray, shares: list[float], rng: np.random.Generator
) -> np.ndarray:
    """scikit-learn's stratification by one label; a hold-out has no validation part."""
    seed = int(rng.integers(2**31))
    part_of = np.zeros(len(site), dtype=int)
    if len(shares) == 5:
        for part, (_, test) in enumerate(
            StratifiedKFold(5, shuffle=True, random_state=seed).split(label, label)
        ):
            part_of[test] = part
        return part_of
    ((_, test),) = StratifiedShuffleSplit(1, test_size=shares[2], random_state=seed).split(label, label)
    part_of[test] = 2
    return part_of


def by_greedy(
    site: np.ndarray, levels: np.ndarray, label: np.ndarray, shares: list[float], rng: np.random.Generator
) -> np.ndarray:
    """Iterative stratification: the rarest level first, each case to the part that lacks its levels most."""
    counts = np.column_stack([np.ones(len(site)), levels])
    wanted = np.asarray(shares)[:, None] / sum(shares) * counts.sum(axis=0)
    lack, room = np.ones_like(wanted), wanted[:, 0].copy()
    part_of = np.zeros(len(site), dtype=int)
    waiting = rng.permutation(len(site))
    while len(waiting):
        left = counts[waiting].sum(axis=0)
        has = counts[waiting, np.argmin(np.where(left > 0, left, np.inf))] > 0
        for case in waiting[has]:
            fitting = np.flatnonzero(room >= min(1.0, room.max()))
            rise = ((counts[case] ** 2) @ (1 / wanted).T - 2 * (lack @ counts[case])).round(9)
            chosen = min(fitting, key=lambda part: (rise[part], -room[part], rng.random()))
            part_of[case] = chosen
            lack[chosen] -= counts[case] / wanted[chosen]
            room[chosen] -= 1
        waiting = waiting[~has]
    return part_of


CUTS: dict[str, Cut] = {"stratify": by_stratify, "greedy": by_greedy, "labels": by_labels}


if __name__ == "__main__":
    main()
