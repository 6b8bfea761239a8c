"""The pages of a store to a browser of this machine: nobody else is answered, and nothing is changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from bench.errors import BenchError, UsageError, parameter, worded
from bench.live.pages import INDEX, NoPage, Pages
from bench.store.store import Store

HERE = "127.0.0.1"
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@contextmanager
def serving(store: Store, port: int) -> Iterator[ThreadingHTTPServer]:
    """A server for the pages of a store at 127.0.0.1 alone; ``port`` 0 takes any that is free.

    Raises
    ------
    UsageError
        The port is taken.
    """
    handler = type("Handler", (_Handler,), {"pages": Pages.of(store, live=True)})
    try:
        server = ThreadingHTTPServer((HERE, port), handler)
    except OSError as error:
        remedy = f"name another with {parameter('port')}"
        raise UsageError(f"port {port} cannot be opened ({error.strerror}); {remedy}") from error
    server.daemon_threads = True
    handler.port = server.server_port  # type: ignore[attr-defined]
    with server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    """Answers GET for a page of the store."""

    pages: Pages
    port: int
    server_version, sys_version = "bench", ""

    def do_GET(self) -> None:
        """One page, or why there is none."""
        if not self._is_asked_here():
            self._answer(403, "asked under another name than 127.0.0.1")
            return
        name = unquote(urlsplit(self.path).path).removeprefix("/") or INDEX
        try:
            self._answer(200, self.pages.text(name))
        except NoPage as error:
            self._answer(404, _paragraph(error))
        except BenchError as error:
            self._answer(503, _paragraph(error))

    def do_HEAD(self) -> None:
        """As GET, without the page."""
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a page that looks again would fill the terminal."""

    def _is_asked_here(self) -> bool:
        """Whether the browser asked for this machine by its own address.

        A page from elsewhere whose name was made to lead here (DNS rebinding) asks under that name.
        """
        return self.headers.get("Host", "") in (f"{HERE}:{self.port}", f"localhost:{self.port}")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (*HEADERS.items(), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _paragraph(error: BenchError) -> str:
    from markupsafe import escape

    said = worded(Exception.__str__(error), lambda name, value: f"{name} {value}".strip())
    return f'<!doctype html><meta charset="utf-8"><p>{escape(said)}</p>'
