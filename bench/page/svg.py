"""A figure as SVG within a page, whose colours follow the page's."""

import re
from io import StringIO

from bench.page.drawing import Drawing, drawn_in
from bench.page.style import FAINT, INK, MUTED, OTHERS, SERIES, Style

# What a page calls the colours of figures, so that its dark side has others.
NAMES = {INK: "ink", MUTED: "muted", FAINT: "faint", OTHERS: "others"} | {
    colour: f"series-{place}" for place, colour in enumerate(SERIES)
}
HEAD = re.compile(r"^.*?(?=<svg)", flags=re.DOTALL)
METADATA = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", flags=re.DOTALL)
SIZE = re.compile(r'(<svg[^>]*?) width="[\d.]+pt" height="[\d.]+pt"')
MARK = re.compile(r'id="method-(\d+)-[\w-]+"')
NAMED = re.compile(r' id="([^"]*)"')
USED = re.compile(r'(?:url\(#|href="#)([^")]+)')


def inline_svg(drawing: Drawing, style: Style) -> str:
    """The figure as an ``svg`` element of a page.

    It bears the alternative text. Lines of a method have the attribute ``data-method`` with its number. Ids
    are those of no other figure of the page.
    """
    import matplotlib as mpl

    stream = StringIO()
    with drawn_in(style), mpl.rc_context({"svg.hashsalt": drawing.name}):
        drawing.figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = METADATA.sub("", HEAD.sub("", stream.getvalue()))
    text = MARK.sub(r'data-method="\1"', _with_own_ids(text, drawing.name))
    for colour, name in NAMES.items():
        text = text.replace(f": {colour}", f": var(--{name})")
    return SIZE.sub(rf'\1 role="img" aria-labelledby="{drawing.name}-title {drawing.name}-alt"', text)


def _with_own_ids(text: str, name: str) -> str:
    """Without the ids that nothing refers to; the others begin with the name of the figure."""
    used = set(USED.findall(text))
    kept = NAMED.sub(
        lambda found: (
            f' id="{name}-{found[1]}"' if found[1] in used else found[0] if MARK.search(found[0]) else ""
        ),
        text,
    )
    return USED.sub(lambda found: found[0].replace(f"#{found[1]}", f"#{name}-{found[1]}"), kept)
