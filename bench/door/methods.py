"""The methods of a run: registered names, specs, variants, or instances of a class of one's own."""

from collections.abc import Iterable, Sequence
from typing import Any

from bench.errors import UsageError
from bench.methods.environments.environment import environment_of
from bench.methods.local import is_importable, local_method, own_parameters
from bench.methods.method import Method, MethodSpec
from bench.methods.parameters import method_class, parameters, search_space
from bench.methods.registry import Registry, load_registry, with_members
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant, choose

Wanted = str | Method | MethodSpec | Variant


def variant(method: str | MethodSpec, **params: Any) -> Variant:
    """A method with other hyperparameters than its own: a row ``method[name=value]`` of a board.

    Parameters
    ----------
    method
        Name of a registered method, or a spec.
    params
        Hyperparameters that differ, by name; units as the method states them.

    Raises
    ------
    UsageError
        There is no such method, or it has no such hyperparameter.

    Examples
    --------
    >>> import bench
    >>> bench.variant("radiomics_lr", spacing_mm=2.0).label
    'radiomics_lr[spacing_mm=2.0]'
    """
    return choose(load_registry().spec(method) if isinstance(method, str) else method, params)


def variants_of(methods: Iterable[Wanted], budget: SearchBudget | None = None) -> list[Variant]:
    """Each method with every hyperparameter fixed; with a budget, also tuned where it has a search space.

    Raises
    ------
    UsageError
        A name that is not registered, a value that is no method, or two methods with one row.
    """
    registry = load_registry()
    chosen = [_choice(method, registry) for method in methods]
    if budget is not None:
        chosen = [row for choice in chosen for row in (choice, *_tuned(choice, budget))]
    if not chosen:
        raise UsageError("give at least one method: its name (see `bench methods`), a spec or an instance")
    _require_own_rows(chosen)
    return chosen


def _choice(method: Wanted, registry: Registry) -> Variant:
    if isinstance(method, Variant):
        return method
    if isinstance(method, str):
        return choose(registry.spec(method), {})
    if isinstance(method, MethodSpec):
        return choose(with_members(_spec(method), registry.specs), {})
    if isinstance(method, type):
        raise UsageError(f"give an instance, {method.__name__}(), with its hyperparameters, not the class")
    params = own_parameters(method)
    return choose(_spec_of(type(method), registry), params)


def _spec(spec: MethodSpec) -> MethodSpec:
    """The spec, with its class where no other process could import that."""
    cls = method_class(spec)
    return spec if environment_of(spec) or is_importable(cls) else _local(spec, cls)


def _local(spec: MethodSpec, cls: type) -> MethodSpec:
    own = local_method(cls)
    return type(own)(**{**vars(spec), "cls": cls})


def _spec_of(cls: type, registry: Registry) -> MethodSpec:
    """The registered method of that class without parameters of its own, or a spec that carries the class."""
    target = f"{cls.__module__}:{cls.__qualname__}"
    same = [spec for spec in registry.specs.values() if spec.target == target and is_importable(cls)]
    plain = [spec for spec in same if not spec.params]
    return plain[0] if plain else local_method(cls)


def _tuned(choice: Variant, budget: SearchBudget) -> list[Variant]:
    space = search_space(choice.spec, choice.params)
    if not space or choice.tuning is not None:
        return []
    tuning = SearchBudget(space, budget.trials, budget.seconds, budget.inner_folds)
    standard = parameters(choice.spec)
    changed = {name: value for name, value in choice.params.items() if value != standard[name]}
    return [choose(choice.spec, changed, tuning)]


def _require_own_rows(chosen: Sequence[Variant]) -> None:
    labels = [choice.label for choice in chosen]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"two methods would share the row {label!r}: give each once, or rename a class")
