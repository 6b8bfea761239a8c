"""What bash is offered behind Tab, asked for as bash asks."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = shutil.which("bash")
# The function that `bench --install-completion` writes, called as bash calls it at a Tab.
ASK = """
export PATH="{folder}:$PATH" SHELL=/bin/bash
eval "$(bench --show-completion bash)"
while read -r -a COMP_WORDS; do
  [ "${{COMP_WORDS[-1]}}" = . ] && COMP_WORDS[-1]=
  COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
  _bench_completion bench
  echo "${{COMPREPLY[@]}}"
done
"""
ASKED = {
    "bench leaderb": {"leaderboard"},
    "bench run --method constant,tumour": {"constant,tumour_size"},
    "bench run --method constant,cimil+c": {"constant,cimil+combat", "constant,cimil+coral"},
    "bench metrics --method .": {"constant", "tumour_size"},
    "bench metrics --store elsewhere --method .": set(),
    "bench leaderboard --store .": {"runs"},
    "bench leaderboard --cohort phantom-t": {"phantom-texture", "phantom-tiny"},
    "bench cohort check mine/": {"mine/cohort"},
    "bench run --split internal": {"internal", "internal_cv"},
    "bench leaderboard --columns task,ran": {"task,rank", "task,rank_set", "task,rank_low", "task,rank_high"},
    "bench cases --task .": {"er", "her2", "ki67", "pr"},
}


@pytest.mark.slow
@pytest.mark.skipif(BASH is None, reason="needs bash")
def test_bash_is_offered_what_there_is(finished_store: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to(finished_store)
    (tmp_path / "mine" / "cohort").mkdir(parents=True)
    (tmp_path / "mine" / "cohort" / "cohort.toml").touch()
    (tmp_path / "mine" / "notes").mkdir()
    script = ASK.format(folder=Path(sys.executable).parent)
    ended = subprocess.run(
        [str(BASH), "-c", script],
        input="\n".join(ASKED) + "\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    offered = [set(line.split()) for line in ended.stdout.splitlines()]
    assert dict(zip(ASKED, offered, strict=True)) == ASKED
    assert ended.stderr == ""


def test_a_tab_imports_no_library_that_learns_or_draws() -> None:
    program = (
        "import sys, types\nfrom bench.cli import completion\n"
        "ctx = types.SimpleNamespace(params={})\n"
        "for name in ('rows', 'methods', 'cohorts', 'splits', 'stores', 'tasks', 'columns'):\n"
        "    getattr(completion, name)(ctx, '')\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    heavy = {"torch", "monai", "SimpleITK", "matplotlib", "optuna", "pandas", "pyarrow", "sklearn"}
    assert not heavy & set(done.stdout.split())
