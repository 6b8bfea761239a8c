"""The text of a table's cell, one way for text files and workbooks."""

import re
import unicodedata

# Blanks that no eye sees and that str.strip leaves.
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff"


def clean(cell: str) -> str:
    """A cell in NFC without blanks round it; a line break or tab inside is a blank."""
    text = cell.strip()
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text).strip(UNSEEN + " ").strip()
        text = re.sub(r"\s*[\n\r\t\v\f]\s*", " ", text)
    # Excel's way to keep zeros in front: ="007".
    return text[2:-1] if text.startswith('="') and text.endswith('"') and len(text) > 2 else text
