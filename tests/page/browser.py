"""A real browser, driven over its debugging port: pages opened from disk, keys, what the console says."""

import asyncio
import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SECONDS = 90
WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NO_WEBGL = ("--disable-gpu", "--disable-3d-apis")


class Page:
    """A page that is open; what it logged, which addresses it asked, and what failed."""

    def __init__(self, loop: IOLoop, socket: WebSocketClientConnection):
        self.loop, self.socket, self.count = loop, socket, 0
        self.console: list[str] = []
        self.asked: list[str] = []

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser for something, and wait for the answer."""
        self.count += 1
        wanted = self.count
        asked = json.dumps({"id": wanted, "method": method, "params": params})
        self.loop.run_sync(lambda: self.socket.write_message(asked), timeout=SECONDS)
        while True:
            said = json.loads(self.loop.run_sync(self.socket.read_message, timeout=SECONDS) or "null")
            if said.get("id") == wanted:
                assert "error" not in said, said
                found: dict[str, Any] = said["result"]
                return found
            self._note(said)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event["method"] == "Log.entryAdded":
            self.console.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif event["method"] == "Runtime.exceptionThrown":
            self.console.append(f"exception: {params['exceptionDetails']}")
        elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.console.append(f"{params['type']}: {params['args']}")
        elif event["method"] == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"][:80])

    def run(self, script: str) -> Any:
        """The value of a script's last expression; promises are waited for."""
        said = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until a script says true."""
        end = time.monotonic() + SECONDS
        while not self.run(script):
            assert time.monotonic() < end, f"{script} did not come true; the console said {self.console}"
            time.sleep(0.1)

    def press(self, key: str) -> None:
        """Press a key, as a keyboard does."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, text=key if len(key) == 1 else "")

    def picture(self) -> bytes:
        """What the window shows, as PNG."""
        return b64decode(self.send("Page.captureScreenshot", format="png")["data"])


@contextmanager
def opened(path: Path, folder: Path, width: int = 1440, graphics: tuple[str, ...] = WEBGL) -> Iterator[Page]:
    """Open a file in a browser without a network; ``folder`` is for the browser's own files."""
    words = [
        *(str(CHROMIUM), "--headless", "--no-sandbox", "--remote-debugging-port=0", *graphics),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}", "--hide-scrollbars"),
    ]
    browser = subprocess.Popen([*words, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    loop = IOLoop(make_current=False)
    try:
        port = _port(folder / "DevToolsActivePort")
        with urlopen(f"http://127.0.0.1:{port}/json") as listed:
            address = next(one for one in json.load(listed) if one["type"] == "page")["webSocketDebuggerUrl"]
        socket = loop.run_sync(lambda: websocket_connect(address, max_message_size=2**28), timeout=SECONDS)
        page = Page(loop, socket)
        for domain in ("Log", "Runtime", "Network", "Page"):
            page.send(f"{domain}.enable")
        page.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=1000,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        page.send("Page.navigate", url=path.resolve().as_uri())
        page.until("document.readyState === 'complete'")
        try:
            yield page
        finally:
            loop.run_sync(lambda: _ended(socket), timeout=SECONDS)
    finally:
        browser.terminate()
        browser.wait(SECONDS)
        loop.close()


async def _ended(socket: WebSocketClientConnection) -> None:
    """Close a connection, and wait until nothing of it waits any more."""
    socket.close()
    while await socket.read_message() is not None:
        continue
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=SECONDS)


def _port(file: Path) -> int:
    end = time.monotonic() + SECONDS
    while not (file.is_file() and file.read_text()):
        assert time.monotonic() < end, "the browser did not start"
        time.sleep(0.1)
    return int(file.read_text().split()[0])
