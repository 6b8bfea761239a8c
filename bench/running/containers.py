"""Programs of methods in containers: run from outside of the fence, with the cell's folder alone."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import PluginError
from bench.methods.containers import Order, end_container, run_contained
from bench.running.run_cell import PlannedCell


def program_ended(planned: PlannedCell, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run a program in an image that the method declares; how it ended, or why it cannot run.

    What is asked names the program and where it starts, never what of the machine it sees.
    """
    variant, image = planned.variant, str(asked["image"])
    if not image or image not in {spec.container for spec in variant.spec.family}:
        return {"error": f"the method declares no container {image!r}", "machine": False}
    order = Order(
        image,
        planned.work_folder.absolute(),
        Path(asked["within"]),
        tuple(map(str, asked["command"])),
        {str(name): str(value) for name, value in asked["told"].items()},
        planned.compute.device,
        _name(planned),
        variant.parts.get("container", "") if image == variant.spec.container else "",
    )
    try:
        return run_contained(order)._asdict()
    except PluginError as error:
        return {"error": str(error), "machine": False}


def end_containers(planned: PlannedCell) -> None:
    """End what a cell has left in a container: it is no process of the cell's where a server runs it."""
    for image in {spec.container for spec in planned.variant.spec.family} - {""}:
        end_container(image, _name(planned))


def _name(planned: PlannedCell) -> str:
    """One for each cell of each store, so that two runs of a machine do not meet."""
    place = f"{planned.store.folder.absolute()}:{planned.cell.id}"
    return f"bench-{hashlib.sha256(place.encode()).hexdigest()[:24]}"
