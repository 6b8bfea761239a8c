"""A cohort as figures, and one of its cases as a picture."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from bench.cohorts.characteristics import characteristics
from bench.cohorts.cohort import Cohort
from bench.cohorts.importers.report import ImportReport, read_flow, write_report
from bench.errors import CohortError
from bench.page.case_pictures import OUTLINE, outlined
from bench.page.case_view import case_page, case_view
from bench.page.cohort_figures import cohort_figures, prevalences
from bench.page.drawing import Drawing
from bench.page.style import STYLES, StyleName
from tests.command import bench

STYLE = STYLES[StyleName.page]


@pytest.fixture(scope="module")
def cases(tiny: Cohort) -> pd.DataFrame:
    return characteristics(tiny, quiet=True)


@pytest.fixture(scope="module")
def drawings(tiny: Cohort, cases: pd.DataFrame) -> dict[str, Drawing]:
    flow = ImportReport("tiny", "Toy", 9, 7, 8, ({"reason": "no mask", "unjoined": ""},)).as_json()
    return {drawing.name: drawing for drawing in cohort_figures(tiny, cases, flow, STYLE)}


def _texts(drawing: Drawing) -> str:
    figure = drawing.figure
    return "\n".join(text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text")))


def test_every_figure_of_a_phantom_says_that_it_is_synthetic(drawings: dict[str, Drawing]) -> None:
    assert list(drawings) == ["prevalence", "lesion_sizes", "intensities", "examples", "flow"]
    assert all("SYNTHETIC" in _texts(drawing) for drawing in drawings.values())


def test_no_figure_of_patients_says_so(tiny: Cohort, cases: pd.DataFrame) -> None:
    real = replace(tiny, synthetic=False)
    flow = ImportReport("tiny", "Toy", 9, 7, 8).as_json()
    assert not any("SYNTHETIC" in _texts(drawing) for drawing in cohort_figures(real, cases, flow, STYLE))


def test_prevalences_have_the_intervals_of_wilson_with_patients_counted(tiny: Cohort) -> None:
    one_each = tiny.take(tiny.table.drop_duplicates("patient_id").index)
    for row in prevalences(one_each, "er"):
        positive = round(row["share"] * row["patients"])
        expected = binomtest(positive, row["patients"]).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
    assert prevalences(tiny, "er")[-1]["patients"] < len(tiny)


def test_a_site_without_a_label_has_no_prevalence(tiny: Cohort) -> None:
    table = tiny.table.assign(er=tiny.table["er"].where(tiny.table["site"] != "A", np.nan))
    assert [row["site"] for row in prevalences(replace(tiny, table=table), "er")] == [
        "B",
        "C",
        "D",
        "all sites",
    ]


def test_the_flow_names_reasons_and_counts(drawings: dict[str, Drawing]) -> None:
    said = _texts(drawings["flow"])
    assert {"patients found: 9", "left out: no mask: 1", "patients kept: 7"} <= set(said.split("\n"))


def test_the_flow_is_read_from_the_import_report(tmp_path: Path) -> None:
    assert read_flow(tmp_path) is None
    report = ImportReport("tiny", "Toy", 9, 7, 8)
    write_report(report, tmp_path)
    assert read_flow(tmp_path) == report.as_json()
    (tmp_path / "import_report.json").write_text("{")
    with pytest.raises(CohortError, match="import the cohort again"):
        read_flow(tmp_path)


def test_regions_of_a_case_lie_round_its_outline(tiny: Cohort) -> None:
    view = case_view(tiny, tiny.case_ids[0])
    for plane, (core, rim, surround) in zip(view.planes, view.regions, strict=True):
        assert not (core & ~plane.mask).any() and not (surround & plane.mask).any()
        assert (rim & plane.mask).any() and (rim & ~plane.mask).any()


def test_only_regions_are_tinted_and_the_outline_stays(tiny: Cohort) -> None:
    plane = case_view(tiny, tiny.case_ids[0]).planes[0]
    region = np.zeros_like(plane.mask)
    region[:5] = True
    plain, tinted = outlined(plane), outlined(plane, [(region, (1.0, 0.0, 0.0))])
    assert (plain[15:] == tinted[15:]).all() and (plain[:15] != tinted[:15]).any()
    assert ((plain == OUTLINE).all(axis=2) == (tinted == OUTLINE).all(axis=2)).all()


def test_the_facts_of_a_case_are_those_of_its_files(tiny: Cohort) -> None:
    case_id = tiny.case_ids[0]
    volume, facts = tiny.volume(case_id), case_view(tiny, case_id).facts
    millilitres = volume.array("mask").sum() * np.prod(volume.spacing_mm) / 1000
    assert float(facts["lesion volume, ml"]) == pytest.approx(millilitres, rel=5e-3)
    assert facts["image size along x, y, z"] == " x ".join(map(str, volume.image.GetSize()))
    assert facts["axes point to"] == "LPS" and facts["site"] == tiny.sites[0]


def test_columns_that_are_ignored_are_not_shown(tiny: Cohort) -> None:
    hidden = replace(tiny, roles={**tiny.roles, "vendor": "ignore"})
    assert "vendor" not in case_view(hidden, tiny.case_ids[0]).facts


def test_the_page_of_a_case_asks_nothing_of_the_network_and_escapes_names(tiny: Cohort) -> None:
    view = replace(case_view(tiny, tiny.case_ids[0]), case_id="<script>alert(1)</script>")
    page = case_page(view)
    assert "<script>" not in page and "SYNTHETIC" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)


def test_the_command_writes_a_case_and_refuses_another_ending(tiny: Cohort, tmp_path: Path) -> None:
    case = ["case", tiny.case_ids[0], "--cohort", tiny.name]
    assert bench(*case, "--out", str(tmp_path / "case.png")).returncode == 0
    assert (tmp_path / "case.png").read_bytes().startswith(b"\x89PNG")
    assert "ends in .png or .html" in bench(*case, "--out", str(tmp_path / "case.gif")).stderr
    assert "has no case 'nobody'" in bench("case", "nobody", "--cohort", tiny.name).stderr


def test_the_command_draws_a_cohort(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    described = bench(
        "cohort", "describe", "phantom-tiny", "--quiet", "--no-images", "--figures", str(folder)
    )
    assert described.returncode == 0, described.stderr
    assert {path.name for path in folder.iterdir()} == {"prevalence.pdf", "prevalence.svg", "prevalence.png"}


@pytest.mark.slow
def test_figures_of_a_paper_have_the_flow_of_an_imported_cohort(tiny: Cohort, tmp_path: Path) -> None:
    folder = tmp_path / "cohort"
    shutil.copytree(tiny.folder, folder)
    write_report(ImportReport("tiny", "Toy", 70, 68, 68, ({"reason": "no mask", "unjoined": ""},)), folder)
    asked = ("--cohort", str(folder), "--split", "internal_cv", "--store", str(tmp_path / "runs"))
    assert bench("run", "--method", "constant", *asked, "-q").returncode == 0
    ended = bench("figures", *asked, "--out", str(tmp_path / "figures"), "--style", "nature")
    assert ended.returncode == 0, ended.stderr
    drawn = (tmp_path / "figures" / "flow.svg").read_text()
    assert {"flow.pdf", "flow.png"} <= {path.name for path in (tmp_path / "figures").iterdir()}
    assert "SYNTHETIC" in drawn and "patients found: 70" in drawn and "left out: no mask: 1" in drawn
