"""Tables as Markdown, CSV, JSON, LaTeX and on a terminal."""
