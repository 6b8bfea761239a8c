"""Energy that a cell took, where the counters of the machine tell: RAPL of the processor, NVML of the GPU."""

import contextlib
import importlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
# No package takes 65 kJ, the smallest range of a RAPL counter (32 bits of 15.3 µJ), in so many seconds:
# between two looks a counter begins again at most once.
LOOK_AGAIN_SECONDS = 30.0
MICRO, MILLI = 1e-6, 1e-3


@dataclass(frozen=True)
class Counter:
    """A counter that only rises: what it covers, how it is read (J), where it begins again at 0."""

    covers: str
    read: Callable[[], float]
    end: float = float("inf")


@dataclass
class Meter:
    """Energy of some counters since they were first read; None once one of them could not be read."""

    counters: Sequence[Counter]
    joules: float | None = 0.0
    last: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> None:
        """Read all counters; to be called before any of them can have begun again twice."""
        with self.lock:
            try:
                now = [one.read() for one in self.counters]
            except Exception:  # a driver may raise anything, and no cell fails for its energy
                self.joules = None
            if self.joules is None:
                return
            for before, after, one in zip(self.last, now, self.counters, strict=False):
                self.joules += after - before if after >= before else after - before + one.end
            self.last = now


def processor_counters(folder: Path | None = None) -> list[Counter]:
    """The counters of each processor package, and of the memory beside it, that this user may read.

    The kernel's powercap tree (Documentation/power/powercap): ``intel-rapl:0`` with its ``name``
    (``package-0``), ``energy_uj`` and ``max_energy_range_uj``, where the counter begins again; AMD's stand
    there too. ``psys`` and the parts of a package, which would count twice, are left out.
    """
    found = []
    for zone in sorted((folder or POWERCAP).glob("intel-rapl:*")):
        top = re.fullmatch(r"intel-rapl:\d+", zone.name)
        part = re.fullmatch(r"intel-rapl:\d+:\d+", zone.name)
        with contextlib.suppress(OSError, ValueError):
            name = (zone / "name").read_text().strip()
            if (top and name.startswith("package")) or (part and name == "dram"):
                counter = _zone(zone, name if top else f"{name} {zone.name.split(':')[1]}")
                counter.read()
                found.append(counter)
    return found if any(counter.covers.startswith("package") for counter in found) else []


def _zone(zone: Path, covers: str) -> Counter:
    end = MICRO * float((zone / "max_energy_range_uj").read_text())
    return Counter(covers, lambda: MICRO * float((zone / "energy_uj").read_text()), end)


def gpu_counters(device: str) -> list[Counter]:
    """The counter of the GPU that torch computes on (Volta and later), where nvidia-ml-py is installed."""
    if device != "cuda":
        return []
    try:
        import torch

        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        chosen: Any = torch.cuda.get_device_properties(torch.cuda.current_device())
        handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{chosen.uuid}")
        counter = Counter(
            chosen.name, lambda: MILLI * float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        )
        counter.read()
    except Exception:  # no library, no driver, an older GPU: the machine does not tell
        return []
    return [counter]


@contextmanager
def energy_meter(device: str, folder: Path | None = None) -> Iterator[Callable[[], dict[str, Any] | None]]:
    """A function that gives the energy since the beginning, as a record has it; None where no counter tells.

    Each counter is that of a whole package or GPU, whoever uses it: cells of the same moment share it.
    """
    meters = {"cpu": Meter(processor_counters(folder)), "gpu": Meter(gpu_counters(device))}
    used = {part: meter for part, meter in meters.items() if meter.counters}
    over = threading.Event()

    def keep_looking() -> None:
        while not over.wait(LOOK_AGAIN_SECONDS):
            for meter in used.values():
                meter.look()

    for meter in used.values():
        meter.look()
    if used:
        threading.Thread(target=keep_looking, daemon=True).start()
    try:
        yield lambda: _told(used)
    finally:
        over.set()


def _told(used: dict[str, Meter]) -> dict[str, Any] | None:
    """Joules of the processor and of the GPU, each with what it covers."""
    found: dict[str, Any] = {}
    for part, meter in used.items():
        meter.look()
        if meter.joules is not None:
            found[f"{part}_joules"] = round(meter.joules, 3)
            found[f"{part}_covers"] = ", ".join(one.covers for one in meter.counters)
    return found or None
