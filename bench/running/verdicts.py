"""Whether methods from outside keep the quick clauses of the contract, found once for each new code."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from bench.errors import PluginError
from bench.files import cache_dir, write_whole
from bench.methods.contract.suite import contract_checks, quick_codes
from bench.methods.local import LocalMethod
from bench.methods.variant import Variant
from bench.running.executors.batch import Work
from bench.running.experiment import Experiment

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"
# Longest time of a quick clause; a fit of the check has a dozen cases and one epoch.
SECONDS = 60.0
SWITCH = "BENCH_CONTRACT"


def with_verdicts(work: Work, experiment: Experiment, say: Callable[[str], None]) -> Work:
    """The work, in which each method from outside carries whether it passed the contract.

    Parameters
    ----------
    experiment
        Its ``contract`` says whether methods are checked; ``$BENCH_CONTRACT=off`` keeps any from being so.
    say
        Is told before a check, which takes seconds, and of a method that fails.
    """
    if not work.cells:
        return work
    asked = experiment.contract and os.environ.get(SWITCH) != "off"
    wanted = {cell.method for cell in work.cells}
    plugins = [Path(plugin) for plugin in work.plugins]
    variants = {
        label: replace(variant, contract=_verdict(variant, plugins, asked, say))
        if label in wanted and not variant.spec.is_of_the_project
        else variant
        for label, variant in work.variants.items()
    }
    return replace(work, variants=variants)


def _verdict(variant: Variant, plugins: Iterable[Path], asked: bool, say: Callable[[str], None]) -> str:
    if not asked or isinstance(variant.spec, LocalMethod):
        return NOT_RUN
    kept = _kept_at(variant)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_suffix(".lock")):
        try:
            return str(json.loads(kept.read_text(encoding="utf-8"))["contract"])
        except (OSError, ValueError, KeyError):
            say(f"contract of {variant.spec.name}: its code is new, {len(quick_codes())} clauses are checked")
        verdict = _found(variant, plugins, say)
        write_whole(kept, json.dumps({"method": variant.spec.name, "contract": verdict}))
    return verdict


def _found(variant: Variant, plugins: Iterable[Path], say: Callable[[str], None]) -> str:
    """The verdict of a check, which ends at the first clause that is broken."""
    name = variant.spec.name
    try:
        for check in contract_checks(variant.spec, codes=quick_codes(), plugins=plugins, seconds=SECONDS):
            if not check.kept:
                say(f"contract of {name}: failed {check.code} ({check.clause}): {check.detail}")
                return f"{FAILED} {check.code}"
    except PluginError as error:
        say(f"contract of {name}: not run: {error}")
        return NOT_RUN
    return PASSED


def _kept_at(variant: Variant) -> Path:
    """Where the verdict on this code, with what it depends on, is kept."""
    known = json.dumps([quick_codes(), variant.spec.target, variant.code, variant.parts], default=str)
    name = hashlib.sha256(known.encode()).hexdigest()[:32]
    return cache_dir() / "contract" / "verdicts" / f"{name}.json"
