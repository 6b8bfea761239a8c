"""What a command that only prints must not import, since every import is time before the first line."""

import subprocess
import sys

import pytest

NETWORKS = {"monai", "radiomics", "sklearn", "timm", "timm_3d", "torch", "xgboost"}
NOT_FOR_LISTS = NETWORKS | {"SimpleITK", "matplotlib", "optuna", "pandas", "pyarrow", "pydantic", "scipy"}
NOT_FOR_HELP = NOT_FOR_LISTS | {"numpy", "pluggy", "rich", "platformdirs", "importlib.metadata"}


def imported(*arguments: str) -> set[str]:
    """Names of the modules that are loaded once a command is through."""
    program = (
        "import sys\nfrom bench.cli import app\n"
        f"app({list(arguments)!r}, standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)
    return set(done.stderr.decode().split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("cohort", "--help"), ("leaderboard", "--help")]
)
def test_help_imports_the_command_line_alone(arguments: tuple[str, ...]) -> None:
    modules = imported(*arguments)
    assert "typer" in modules and not NOT_FOR_HELP & modules


@pytest.mark.parametrize("command", ["methods", "splits"])
def test_lists_import_no_library_that_computes(command: str) -> None:
    modules = imported(command)
    assert "rich" in modules and not NOT_FOR_LISTS & modules


def test_the_list_of_cohorts_imports_no_library_that_learns() -> None:
    modules = imported("cohorts")
    assert "rich" in modules and not NETWORKS & modules


def test_the_help_has_a_whole_sentence_for_every_command() -> None:
    for group in ([], ["cohort"], ["new"]):
        done = subprocess.run(
            [sys.executable, "-m", "bench", *group, "--help"],
            check=True,
            capture_output=True,
            timeout=60,
            env={"COLUMNS": "80", "PYTHONUTF8": "1"},
        )
        assert b"Commands:" in done.stdout and b"..." not in done.stdout.split(b"Commands:")[1]
