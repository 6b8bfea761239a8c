"""Which metric ranks which task: declared by the cohort, or chosen for a board."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.errors import UsageError, parameter, unknown_name
from bench.methods.registry import load_registry
from bench.metrics import METRICS, Metric, unfit_to_rank
from bench.task import Task

SEE = "See `bench metrics --list`."


def ranking_metrics(
    tasks: Sequence[Task], wanted: Iterable[str] = (), plugins: Iterable[Path] = ()
) -> dict[str, Metric]:
    """The metric that ranks each task, by the name of the task.

    Parameters
    ----------
    tasks
        Whose declared metric holds where nothing else is wanted.
    wanted
        ``task=metric``, or ``metric`` for every task of its kind; the former counts more.
    plugins
        Local plugin files; plugins are only loaded where a metric is not the benchmark's own.

    Raises
    ------
    UsageError
        A task or metric that does not exist, one that is for another kind of task, or one that cannot rank.
    """
    by_task, by_kind = _parsed(wanted)
    for name in by_task:
        if name not in {task.name for task in tasks}:
            raise unknown_name(f"task in {parameter('metric')}", name, [task.name for task in tasks])
    names = {*by_task.values(), *by_kind, *(task.metric for task in tasks)}
    offered = METRICS if names <= METRICS.keys() else load_registry(plugins).metrics
    general: dict[str, Metric] = {
        metric.kind: metric for metric in (_metric(name, offered) for name in by_kind)
    }
    if len(general) < len(by_kind):
        raise UsageError(
            f"{parameter('metric')} takes one metric a kind of task, got {', '.join(by_kind)}; name the "
            "task: task=metric"
        )
    for metric in general.values():
        if metric.kind not in {task.kind for task in tasks}:
            raise UsageError(
                f"{parameter('metric', metric.name)} is for {metric.kind} tasks, and the cohort has none"
            )
    return {task.name: _chosen(task, by_task.get(task.name), general, offered) for task in tasks}


def _parsed(wanted: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    by_task: dict[str, str] = {}
    by_kind: list[str] = []
    for text in wanted:
        task, equals, metric = text.partition("=")
        if equals:
            by_task[task.strip()] = metric.strip()
        else:
            by_kind.append(text.strip())
    return by_task, by_kind


def _chosen(
    task: Task, own: str | None, general: Mapping[str, Metric], offered: Mapping[str, Metric]
) -> Metric:
    if own is None and task.kind in general:
        metric = general[task.kind]
    else:
        metric = _metric(own or task.metric, offered)
    fault = unfit_to_rank(metric, task.kind)
    if fault:
        fit = ", ".join(name for name, value in offered.items() if unfit_to_rank(value, task.kind) is None)
        raise UsageError(f"task {task.name!r}: {fault}; choose one of {fit}")
    return metric


def _metric(name: str, offered: Mapping[str, Metric]) -> Metric:
    if name not in offered:
        raise unknown_name("metric", name, offered, SEE)
    return offered[name]
