"""What the build of the site does beside mkdocs: roles in docstrings become links, and no page calls out."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError

ROLE = re.compile(r":(?:func|class|meth|mod|attr|data):<code>([\w.]+)</code>")
ELSEWHERE = re.compile(r"(?:https?:)?//", flags=re.IGNORECASE)
LOADED_BY_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", flags=re.IGNORECASE)


class Loaded(HTMLParser):
    """Addresses that a browser loads by itself when it shows a page; a link waits for a click."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of one tag."""
        if tag != "a" and ("rel", "canonical") not in attrs:
            loading = ("src", "srcset", "data", "poster", "href", "xlink:href")
            self.addresses += [value for name, value in attrs if name in loading and value]


def on_page_content(html: str, **_: object) -> str:
    """Link what a docstring names, such as :func:`bench.run`, where the site describes it."""
    return ROLE.sub(r'<autoref identifier="\1" optional><code>\1</code></autoref>', html)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site of which a page or a style sheet loads something from another address."""
    site = Path(config.site_dir)
    for path in sorted([*site.rglob("*.html"), *site.rglob("*.css")]):
        for address in _loaded_from_elsewhere(path):
            raise PluginError(f"{path.relative_to(site)} loads {address}; ship it with the site instead")


def _loaded_from_elsewhere(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    yield from LOADED_BY_STYLE.findall(text)
    if path.suffix == ".html":
        yield from filter(ELSEWHERE.match, Loaded(text).addresses)
