"""The page on the command line, made of the commands: ``python -m tests.docs.cli_page`` writes it anew."""

from collections.abc import Iterator
from typing import Any

import typer

from bench.cli.app import app
from tests.docs.pages import FOLDER

NAME = "cli.md"
START = """# Command line

Every command and option, as `bench COMMAND --help` shows them. The exit code is 0 where all went well, 2
where a command was called in a wrong way, and 1 for any other error.

| command | what it does |
|---|---|
"""


def cli_page() -> str:
    """The whole page as Markdown."""
    found = list(commands())
    rows = "\n".join(f"| {link(name)} | {summary(each)} |" for name, each in found)
    return "\n\n".join([START + rows, *(section(name, each) for name, each in found)]) + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    """The program itself, then each command with its name; groups of commands are gone through."""
    group = typer.main.get_command(app)
    yield "bench", group
    yield from _within("bench", group, typer.Context(group))  # type: ignore[arg-type]


def _within(name: str, group: Any, context: Any) -> Iterator[tuple[str, Any]]:
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if hasattr(command, "list_commands"):
            yield from _within(f"{name} {word}", command, context)
        else:
            yield f"{name} {word}", command


def section(name: str, command: Any) -> str:
    """What a command does, how it is called, and its options."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    call = " ".join([name, *(each.name.upper() for each in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [row(f"`{each.name.upper()}`", each) for each in arguments]
    rows += [row(", ".join(f"`{opt}`" for opt in each.opts), each) for each in options]
    table = "\n".join(["| argument or option | default | meaning |", "|---|---|---|", *rows])
    paragraphs = [f"## {name}", text(command.help), f"    {call}", *([table] if rows else [])]
    return "\n\n".join(paragraphs)


def row(names: str, parameter: Any) -> str:
    """One line of the table of a command."""
    default = getattr(parameter.default, "value", parameter.default)
    shown = (
        "required" if parameter.required else f"`{default}`" if default not in (None, False, "", []) else ""
    )
    return f"| {names} | {shown} | {text(parameter.help)} |"


def summary(command: Any) -> str:
    """The first paragraph of the help of a command, on one line."""
    return " ".join(text(command.help).split("\n\n")[0].split())


def link(name: str) -> str:
    """To the section of a command."""
    return f"[`{name}`](#{name.replace(' ', '-')})"


def text(help_text: str | None) -> str:
    """A help text as Markdown: what stands in angles or bars is no markup."""
    return (help_text or "").replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    (FOLDER / NAME).write_text(cli_page(), encoding="utf-8")
