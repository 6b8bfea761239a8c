"""Types and defaults of parameters on the site are those of the signature."""

from collections.abc import Iterator
from typing import Any

import griffe


class SignatureTypes(griffe.Extension):
    """Where ``cohort, split`` are described together, griffe gives both the type of the first."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Take type and default of each described parameter from the signature."""
        for function in _functions_and_classes(pkg):
            for section in function.docstring.parsed if function.docstring else []:
                if section.kind is griffe.DocstringSectionKind.parameters:
                    for described in section.value:
                        if described.name in function.parameters:
                            declared = function.parameters[described.name]
                            described.annotation, described.value = declared.annotation, declared.default


def _functions_and_classes(scope: griffe.Object) -> Iterator[griffe.Function | griffe.Class]:
    for member in scope.members.values():
        if isinstance(member, griffe.Object):
            if isinstance(member, griffe.Function | griffe.Class):
                yield member
            yield from _functions_and_classes(member)
