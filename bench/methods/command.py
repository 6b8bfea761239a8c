"""Methods in any language: a program that is called over files, once to fit and once to predict."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bench.errors import PluginError, UsageError
from bench.methods.method import Predictions, Run

if TYPE_CHECKING:
    import pandas as pd

    from bench.cohorts.cohort import Cohort

FIT, PREDICT = "fit", "predict"
TABLE, TASKS, MODEL, OUTPUT, SCRIPTS = "cases.csv", "tasks.csv", "model", "predictions.csv", "scripts"
# The end of what a program wrote on standard error, as far as a message repeats it.
TOLD = 300


@dataclass
class CommandMethod:
    """A program that learns and predicts over files.

    It is called in a folder that holds its ``scripts``, as ``COMMAND fit INPUT MODEL`` and
    ``COMMAND predict INPUT MODEL OUTPUT``. ``INPUT`` is a folder with

    * ``cases.csv``: ``case_id``; ``part`` (``train`` or ``val``) and a column a task with the labels, empty
      where unknown, when it fits; the covariates of role clinical and acquisition; the features of the
      cohort; with ``radiomics`` those of :meth:`bench.Cohort.radiomics`; with ``crops`` the paths of each
      case's crop, a column a channel (``image``, ``mask``);
    * ``tasks.csv``: ``task``, ``kind`` (``binary`` or ``continuous``), ``low`` and ``high``.

    What it writes into the folder ``MODEL`` is there again when it predicts. ``OUTPUT`` is a CSV file with
    ``case_id`` and a column a task: the probability of 1, or the value in the task's unit. The environment
    has ``BENCH_SEED``, ``BENCH_THREADS`` and ``BENCH_DEVICE``. A cell is named by the content of the scripts;
    the version of the program that runs them is yours to state.

    Parameters
    ----------
    command
        Program and arguments, such as ``("Rscript", "fit.R")``; scripts by their bare names.
    scripts
        Paths of the files that the program needs; their content is kept with the cell.
    crops
        Whether crops are written, as NIfTI.
    size_mm, spacing_mm
        Edge of the crops and of a voxel in mm.
    channels
        Of the crops, see :class:`bench.Crop`.
    radiomics
        Whether radiomics features are written, a column each.

    Raises
    ------
    UsageError
        Before anything runs: there is no command, no such program or script, or two of one name.
    PluginError
        The program ends with an error, or its output is not as above.

    Examples
    --------
    >>> import bench
    >>> spec = bench.MethodSpec(
    ...     "glm_in_r",
    ...     "bench:CommandMethod",
    ...     "Regression on age, in R",
    ...     params={"command": ("Rscript", "fit.R"), "scripts": ("/home/me/fit.R",)},
    ...     needs=("clinical",),
    ... )
    """

    command: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    crops: bool = False
    size_mm: float = 48.0
    spacing_mm: float = 1.5
    channels: tuple[str, ...] = ("image", "mask")
    radiomics: bool = False
    _model: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)
    _run: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with the content of each script in place of its path."""
        cls._require_program(params["command"])
        scripts = tuple(map(_content, params["scripts"]))
        names = [json.loads(script)[0] for script in scripts]
        if len(set(names)) < len(names):
            raise UsageError(f"scripts: two files are named {max(names, key=names.count)!r}; rename one")
        return {**params, "scripts": scripts}

    @classmethod
    def _require_program(cls, command: Sequence[str]) -> None:
        if not command or shutil.which(command[0]) is None:
            named = repr(command[0]) if command else "none"
            raise UsageError(
                f"command: no program {named} on this machine; install it, or name it by its path"
            )

    def fit(self, train: "Cohort", val: "Cohort", run: Run) -> Self:
        """Let the program learn from the training cases; validation cases are marked as such."""
        self._run = {"SEED": str(run.seed), "THREADS": str(run.threads), "DEVICE": run.device}
        with tempfile.TemporaryDirectory(dir=run.workdir) as name:
            folder = Path(name).absolute()
            parts = [(train, "train"), (val, "val")]
            self._write_input(folder / "input", [(cohort, part) for cohort, part in parts if len(cohort)])
            (folder / MODEL).mkdir()
            self._call(folder, FIT, "input", MODEL)
            self._model = _read_files(folder / MODEL)
        return self

    def predict(self, cohort: "Cohort") -> Predictions:
        """What the program says of cases without labels."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).absolute()
            self._write_input(folder / "input", [(cohort.blind(), "")])
            _write_files(self._model, folder / MODEL)
            self._call(folder, PREDICT, "input", MODEL, OUTPUT)
            return _read_output(folder / OUTPUT, cohort, self.command)

    def save(self, folder: Path) -> None:
        """Write the model's files, the parameters and what the run was."""
        _write_files(self._model, folder / MODEL)
        chosen = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        (folder / "method.json").write_text(json.dumps({"parameters": chosen, "run": self._run}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The method as it was saved."""
        saved = json.loads((folder / "method.json").read_text())
        listed = {
            name: tuple(value) for name, value in saved["parameters"].items() if isinstance(value, list)
        }
        method = cls(**{**saved["parameters"], **listed})
        method._run, method._model = saved["run"], _read_files(folder / MODEL)
        return method

    def _call(self, folder: Path, *words: str) -> None:
        """Run the program in the folder of its scripts; its output goes to the cell's log."""
        _write_files({name: text.encode() for name, text in map(json.loads, self.scripts)}, folder / SCRIPTS)
        paths = [words[0], *(str(folder / word) for word in words[1:])]
        told = {f"BENCH_{name}": value for name, value in self._run.items()}
        done = self._started([*self.command, *paths], folder, told)
        sys.stderr.write(done.stdout + done.stderr)
        if done.returncode:
            end = " ".join(done.stderr.split())[-TOLD:] or "it wrote no reason"
            raise PluginError(f"`{' '.join(self.command)} {words[0]}` ended with {done.returncode}: {end}")

    def _started(
        self, command: Sequence[str], folder: Path, told: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """How the program ended, started beside its scripts."""
        return subprocess.run(
            command,
            cwd=folder / SCRIPTS,
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def _write_input(self, folder: Path, parts: Sequence[tuple["Cohort", str]]) -> None:
        """Write the tables and crops of some cases."""
        import pandas as pd

        folder.mkdir()
        tables = [self._table(cohort, part, folder) for cohort, part in parts]
        pd.concat(tables, ignore_index=True).to_csv(folder / TABLE, index=False, lineterminator="\n")
        rows = [(task.name, task.kind, *task.bounds) for task in parts[0][0].tasks]
        named = pd.DataFrame(rows, columns=["task", "kind", "low", "high"])
        named.to_csv(folder / TASKS, index=False, lineterminator="\n")

    def _table(self, cohort: "Cohort", part: str, folder: Path) -> "pd.DataFrame":
        """Every case of a part with what may be known of it."""
        import pandas as pd

        table = pd.DataFrame({"case_id": cohort.case_ids}, index=cohort.table.index)
        if part:
            table["part"] = part
            for task in cohort.tasks:
                table[task.name] = cohort.labels(task.name)
        table = table.join([cohort.covariates("clinical"), cohort.covariates("acquisition")])
        if cohort.feature_file is not None:
            table = table.join(cohort.features())
        if self.radiomics:
            table = table.join(cohort.radiomics())
        return table.assign(**self._write_crops(cohort, part, folder)) if self.crops else table

    def _write_crops(self, cohort: "Cohort", part: str, folder: Path) -> dict[str, list[str]]:
        """Crops of each case as NIfTI; their paths."""
        import SimpleITK as sitk

        from bench.imaging.crop import Crop

        crop = Crop(self.size_mm, self.spacing_mm, tuple(self.channels))
        paths: dict[str, list[str]] = {name: [] for name in crop.channels}
        for at, crops in enumerate(cohort.crops(crop)):
            for channel, name in enumerate(crop.channels):
                volume = sitk.GetImageFromArray(np.asarray(crops[channel], dtype=np.float32))
                volume.SetSpacing([crop.spacing_mm] * 3)
                path = folder / f"{part}{at:06}_{name}.nii"
                sitk.WriteImage(volume, str(path))
                paths[name].append(str(path))
        return paths


def _content(script: str) -> str:
    """Name and content of a script as JSON; what is such a text already stays."""
    if script.startswith("["):
        return script
    path = Path(script)
    try:
        return json.dumps([path.name, path.read_text(encoding="utf-8")])
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"scripts: {path} cannot be read as text: {error}") from error


def _read_files(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by its place there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _write_files(files: Mapping[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _read_output(path: Path, cohort: "Cohort", command: Sequence[str]) -> Predictions:
    """The predictions of every case, in order; raises PluginError where the file is not as agreed."""
    where = f"`{' '.join(command)} {PREDICT}`"
    if not path.is_file():
        raise PluginError(f"{where} wrote no {OUTPUT}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = {row.get("case_id", ""): row for row in csv.DictReader(file)}
    lacking = [case_id for case_id in cohort.case_ids if case_id not in rows]
    if lacking:
        raise PluginError(f"{where} predicts {len(rows)} cases, not {lacking[0]!r} ({len(lacking)} lacking)")
    try:
        return {
            task.name: np.array([float(rows[case_id][task.name]) for case_id in cohort.case_ids])
            for task in cohort.tasks
        }
    except (KeyError, TypeError, ValueError) as error:
        raise PluginError(f"{where}: no number of every task in {OUTPUT}: {error}") from error
