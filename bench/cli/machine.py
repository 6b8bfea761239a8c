"""What this machine is and keeps."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.options import FormatOption
from bench.errors import unknown_name
from bench.report.formats.format import Format
from bench.report.formats.printing import print_rows

if TYPE_CHECKING:
    from bench.store.cache import CacheEntry

MIB = 2**20


def info(wanted: FormatOption = Format.table) -> None:
    """Show versions, hardware, fence and cache of this machine.

    What to send along when something goes wrong.
    """
    import psutil

    from bench.files import cache_dir
    from bench.running.provenance import environment
    from bench.store.cache import cache_entries

    here = environment("cpu")
    rows: list[dict[str, Any]] = [
        {"what": "Python", "value": here["python"]},
        {"what": "Platform", "value": here["platform"]},
        {"what": "Processor", "value": f"{here['processor']}, {here['cores']} cores"},
        {"what": "Memory", "value": f"{psutil.virtual_memory().total / 2**30:.1f} GiB"},
        {"what": "Accelerator", "value": _accelerator()},
        {"what": "Fence for methods", "value": _fence()},
        *({"what": name, "value": version} for name, version in here["packages"].items()),
        {"what": "Cache", "value": str(cache_dir())},
    ]
    print_rows(rows + _by_kind(cache_entries()), wanted, "This machine")


def clean(
    kind: Annotated[list[str] | None, typer.Argument(help="Folders of the cache; all without any.")] = None,
    older_than: Annotated[
        float, typer.Option("--older-than", min=0, help="Days since an entry was last used.")
    ] = 30.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")
    ] = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Remove what the cache has not used for long.

    Everything in the cache is made again where it is needed; run stores are never touched. Not while a run
    uses the cache.
    """
    from bench.store.cache import DAY, cache_entries, remove, unused_for

    entries = cache_entries()
    known = sorted({entry.kind for entry in entries})
    for name in kind or ():
        if name not in known:
            raise unknown_name("kind of cache entry", name, known, "See `bench info`.")
    asked = [entry for entry in entries if not kind or entry.kind in kind]
    now = time.time()
    chosen = unused_for(asked, older_than, now)
    rows = [
        {
            "kind": entry.kind,
            "entry": entry.path.name,
            "MiB": round(entry.size / MIB, 1),
            "days unused": round((now - entry.used) / DAY, 1),
        }
        for entry in chosen
    ]
    if rows or wanted is Format.json:
        print_rows(rows, wanted, "Would go" if dry_run else "Removed")
    size = sum(entry.size for entry in chosen) if dry_run else remove(chosen)
    print(f"{len(chosen)} of {len(asked)} entries, {size / MIB:,.1f} MiB", file=sys.stderr)


def _by_kind(entries: Sequence["CacheEntry"]) -> list[dict[str, Any]]:
    sizes: dict[str, list[int]] = {}
    for entry in entries:
        sizes.setdefault(entry.kind, []).append(entry.size)
    return [
        {"what": f"  {kind}", "value": f"{sum(held) / MIB:,.1f} MiB in {len(held)} entries"}
        for kind, held in sizes.items()
    ]


def _accelerator() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "none"


def _fence() -> str:
    from bench.running.fence.fence import chosen_fence
    from bench.running.fence.landlock import version

    if chosen_fence() != "kernel":
        return f"{chosen_fence()}, as BENCH_FENCE says"
    return f"kernel (Landlock {version()})" if version() else "python: this kernel has no Landlock"
