"""A store as a page in a browser."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import StoreOption
from bench.errors import UsageError


def view(
    store: StoreOption = Path("runs"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to serve at; 0: any.")] = 8765,
    static: Annotated[
        Path | None, typer.Option("--static", help="Write the pages into this folder instead.")
    ] = None,
) -> None:
    """Show a store in a browser, while it runs too.

    Serves cells, partial boards, reports, logs and studies to this machine alone until Ctrl-C, or writes them
    as a folder that any web host can carry.
    """
    from bench.store.store import Store

    if not store.is_dir():
        raise UsageError(f"there is no store {store}; name one with --store, `bench run` makes it")
    if static is not None:
        from bench.live.folder import write_folder

        written, missing = write_folder(Store(store), static)
        for sentence in missing:
            print(f"left out: {sentence}", file=sys.stderr)
        print(f"{len(written)} pages written to {static}; open {static / 'index.html'}")
        return
    from bench.live.server import HERE, serving

    with serving(Store(store), port) as server:
        print(f"http://{HERE}:{server.server_address[1]}/  (Ctrl-C ends it)", flush=True)
        server.serve_forever()
