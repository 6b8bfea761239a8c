"""What it takes to reproduce a cell: versions, hardware, memory."""

import os
import platform
import resource
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RECORDED = ("dcebench", "numpy", "scipy", "scikit-learn", "torch", "timm-3d", "monai", "xgboost", "SimpleITK")


def environment(device: str) -> dict[str, Any]:
    """Versions, processor and accelerator of this process."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _versions(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": _accelerator(device),
    }


def reset_peak_memory() -> None:
    """Start the kernel's peak-memory count anew, where it can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory_mb() -> int:
    """Peak resident memory of this process in MiB since the last reset, or since its start."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if lines:
            return int(lines[0].split()[1]) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _accelerator(device: str) -> str | None:
    if device == "cpu":
        return None
    import torch

    return torch.cuda.get_device_name()
