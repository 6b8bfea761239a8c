# ruff: noqa: RUF001
"""Characters that LaTeX has no letter for, and how it writes them."""

ASCII = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\`{}",
    '"': r"{\ttfamily\char34}",
    **{mark: f"\\{mark}" for mark in "#$%&_{}"},
}

MATHS = {
    **{"↑": "uparrow", "↓": "downarrow", "←": "leftarrow", "→": "rightarrow", "↔": "leftrightarrow"},
    **{"≥": "ge", "≤": "le", "≠": "ne", "≈": "approx", "≡": "equiv", "±": "pm", "∓": "mp", "×": "times"},
    **{"÷": "div", "·": "cdot", "∞": "infty", "√": "surd", "∑": "sum", "∏": "prod", "∂": "partial"},
    **{"∆": "Delta", "∇": "nabla", "∈": "in", "∩": "cap", "∪": "cup", "µ": "mu"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta"},
    **{"θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi"},
    **{"ρ": "rho", "σ": "sigma", "ς": "varsigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi"},
    **{"ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi"},
    **{"Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}

WORDS = {
    **{"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}"},
    **{"ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "§": r"\S{}", "¶": r"\P{}", "©": r"\copyright{}"},
    **{"…": r"\dots{}", "†": r"\dag{}", "‡": r"\ddag{}", "•": r"\textbullet{}", "−": "$-$", "‐": "-"},
    **{"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "\u00a0": "~", "\u202f": "~"},
    **{"°": r"$^\circ$", "¹": "$^1$", "²": "$^2$", "³": "$^3$", "¡": "!`", "¿": "?`", "£": r"\pounds{}"},
}

ACCENTS = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u"},
    **{"\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d"},
    **{"\u0327": "c", "\u0331": "b"},
}
