"""The audit as one HTML file: a section a check, with pictures of the cases that are alike."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from bench.audit.audit import ORDER, worst
from bench.audit.check import Verdict
from bench.cohorts.cohort import Cohort
from bench.page.case_pictures import case_planes, picture_png
from bench.page.html import ASSETS

# Checks whose evidence is shown as pictures, and how many findings of each; other evidence is text.
PICTURED, MOST_PICTURED, MOST_NAMED = ("BA005", "BA023"), 12, 50


def audit_page(cohort: Cohort, split: str, verdicts: Sequence[Verdict]) -> str:
    """The page as text; raises CohortError where an image that is to be shown cannot be read."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bench.page", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ordered = sorted(verdicts, key=lambda one: (bool(one.muted), -ORDER.index(one.outcome), one.check.code))
    counts = {outcome: sum(one.outcome == outcome for one in verdicts) for outcome in reversed(ORDER)}
    return environment.get_template("audit.html").render(
        cohort=cohort,
        split=split,
        style=Markup((ASSETS / "page.css").read_text(encoding="utf-8")),
        worst=worst(verdicts),
        counts=", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count),
        checks=[_check(cohort, verdict) for verdict in ordered],
    )


def _check(cohort: Cohort, verdict: Verdict) -> dict[str, Any]:
    pictured = verdict.check.code in PICTURED and cohort.has_volumes
    return {
        "check": verdict.check,
        "outcome": verdict.outcome,
        "muted": verdict.muted,
        "reason": verdict.reason,
        "numbers": verdict.numbers,
        "evidence": [
            {
                "text": one.text,
                "cases": ", ".join(one.case_ids),
                "pictures": _pictures(cohort, one.case_ids) if pictured and place < MOST_PICTURED else [],
            }
            for place, one in enumerate(verdict.evidence[:MOST_NAMED])
        ],
        "more": max(0, len(verdict.evidence) - MOST_NAMED),
    }


def _pictures(cohort: Cohort, case_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Id and PNG, as text, of each case."""
    return [
        (case_id, b64encode(picture_png(case_planes(cohort, case_id))).decode("ascii"))
        for case_id in case_ids
    ]
