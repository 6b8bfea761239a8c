"""Clauses on hyperparameters, saved models and explanations."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.files import cache_dir
from bench.methods.contract.clause import Breach, Clause, NotAsked
from bench.methods.contract.pickles import noting_pickles, pickled_file
from bench.methods.contract.subject import ROUNDING, Subject, require_equal
from bench.methods.local import own_parameters
from bench.methods.method import Method
from bench.methods.parameters import build, method_class, parameters, search_space
from bench.methods.search_space import Categorical, Float, Int


def _hyperparameters_stay(subject: Subject) -> None:
    _constructor(subject)
    train, val, test = subject.parts(subject.cohort)
    method = subject.fitted(train, val)
    subject.checked(method, test)
    for name, value in own_parameters(method).items():
        if not _equal(value, subject.params[name]):
            raise Breach(f"{name} was set to {subject.params[name]!r} and is {value!r} after the fit")


def _search_space(subject: Subject) -> None:
    if getattr(method_class(subject.spec), "search_space", None) is None:
        raise NotAsked("not offered")
    search_space(subject.spec, parameters(subject.spec))


def _loaded_predicts(subject: Subject) -> None:
    loaded = _saved_and_loaded(subject, subject.standard)
    after = subject.checked(loaded, subject.test)
    require_equal(subject.batch, after, ROUNDING, "a loaded method predicts otherwise")


def _loaded_keeps(subject: Subject) -> None:
    _require_saving(subject)
    method = _with_other_parameters(subject)
    loaded = _saved_and_loaded(subject, method)
    found = own_parameters(loaded)
    for name, value in own_parameters(method).items():
        if not _equal(value, found[name]):
            raise Breach(f"{name} was {value!r} when the method was saved and is {found[name]!r} when loaded")
    before, after = subject.checked(method, subject.test), subject.checked(loaded, subject.test)
    require_equal(before, after, ROUNDING, "with other hyperparameters, a loaded method predicts otherwise")


def _with_other_parameters(subject: Subject) -> Method:
    """A method fitted with as many hyperparameters changed as it accepts."""
    train, val, _ = subject.parts(subject.cohort)
    searched = dict(_others_of_the_space(subject))
    for changed in ({**dict(_other_numbers(subject)), **searched}, searched):
        try:
            return subject.fitted(train, val, **changed)
        except Exception:  # a value that the method refuses is no breach
            continue
    return subject.standard


def _others_of_the_space(subject: Subject) -> Iterator[tuple[str, Any]]:
    """A value of each searched hyperparameter that is not its default."""
    offered = getattr(method_class(subject.spec), "search_space", None)
    for name, space in (offered() if offered else {}).items():
        if isinstance(space, Categorical):
            yield from ((name, value) for value in space.choices[-1:] if value != subject.params[name])
        elif isinstance(space, Float | Int):
            yield name, space.low if subject.params[name] != space.low else space.high


def _other_numbers(subject: Subject) -> Iterator[tuple[str, Any]]:
    """Numbers of the hyperparameters, each a little larger."""
    for name, value in subject.params.items():
        if isinstance(value, int) and not isinstance(value, bool):
            yield name, value + 1
        elif isinstance(value, float):
            yield name, value * 1.25 + 0.125 * (value == 0)


def _equal(first: Any, second: Any) -> bool:
    """Equal as JSON has it: a saved tuple may come back as a list."""
    return json.dumps(first, default=repr) == json.dumps(second, default=repr)


def _require_saving(subject: Subject) -> None:
    cls = method_class(subject.spec)
    if not (hasattr(cls, "save") and hasattr(cls, "load")):
        raise NotAsked("not offered")


def _saved_and_loaded(subject: Subject, method: Method) -> Method:
    _require_saving(subject)
    folder = subject.run().workdir
    method.save(folder)  # type: ignore[attr-defined]
    return method_class(subject.spec).load(folder)  # type: ignore[attr-defined,no-any-return]


def _no_pickle(subject: Subject) -> None:
    cls = method_class(subject.spec)
    if not hasattr(cls, "save"):
        raise NotAsked("not offered")
    folder = subject.run().workdir
    with noting_pickles() as saving:
        subject.standard.save(folder)  # type: ignore[attr-defined]
    file = pickled_file(folder)
    if file is not None:
        raise Breach(f"{file} holds a pickle")
    if saving:
        raise Breach(f"save pickles: it calls {saving[0]}")
    with noting_pickles() as loading:
        if hasattr(cls, "load"):
            cls.load(folder)
    if loading:
        raise Breach(f"load unpickles: it calls {loading[0]}")


def _explain(subject: Subject) -> None:
    explain = getattr(subject.standard, "explain", None)
    if not callable(explain):
        raise NotAsked("not offered")
    _ = subject.batch
    maps = np.asarray(explain(subject.test))
    grids = sorted(_cropped_grids())
    expected = [(len(subject.test), *grid) for grid in grids]
    if maps.shape not in expected:
        raise Breach(f"explain returned {maps.shape}, expected (case, z, y, x) of a crop: {expected}")
    if not np.isfinite(maps).all():
        raise Breach("explain returned values that are not finite")


def _cropped_grids() -> set[tuple[int, ...]]:
    """The grids (z, y, x) of the crops that the method has asked for."""
    arrays = (cache_dir() / "crops").rglob("*.npy")
    shapes = (json.loads(path.with_suffix(".json").read_text()) for path in arrays)
    return {tuple(found["shape"][2:]) for found in shapes}


def _constructor(subject: Subject) -> None:
    for name, value in own_parameters(build(subject.spec, subject.params)).items():
        if not _equal(value, subject.params[name]):
            raise Breach(f"the constructor turns {name} from {subject.params[name]!r} into {value!r}")


CLAUSES = (
    Clause(
        "BC19",
        "keeps its hyperparameters as they were set",
        "Boards and records show what was set; a fit that changes it makes them wrong.",
        "The fields are compared with what was set, after construction, fit and predict.",
        "Keep what fit computes in attributes of other names (field(init=False), or without a field).",
        _hyperparameters_stay,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC20",
        "has a search space that holds its defaults",
        "The first trial of a search has the defaults.",
        "search_space() must name hyperparameters, with ranges that hold their defaults.",
        "Widen the range, or correct the name.",
        _search_space,
        quick=True,
        where="search_space",
    ),
    Clause(
        "BC21",
        "predicts the same when saved and loaded",
        "The fitted model is kept so that it can be used again.",
        "save writes into an empty folder and load reads it; both predict the same numbers but for rounding.",
        "Save all that predict needs: scales, encodings and medians too.",
        _loaded_predicts,
        quick=True,
        where="load",
    ),
    Clause(
        "BC22",
        "has the hyperparameters that it was saved with when loaded",
        "A loaded model with other hyperparameters predicts otherwise, or is described wrongly.",
        "A method with other hyperparameters than the defaults is saved and loaded; fields and predictions "
        "must agree.",
        "Save the fields beside the weights, and pass them to cls(...) in load.",
        _loaded_keeps,
        where="load",
    ),
    Clause(
        "BC23",
        "pickles nothing",
        "Loading a pickle runs any code that it holds.",
        "The saved files, also packed ones and text in base64, are searched for pickles, and the calls of "
        "save and load for those of pickle.",
        "Write safetensors, JSON, or the library's own format.",
        _no_pickle,
        quick=True,
        where="save",
    ),
    Clause(
        "BC24",
        "explains each case on the grid of its crop",
        "A heat map is laid over the image voxel by voxel.",
        "explain must return finite numbers of shape (case, z, y, x), on the grid of a crop that the method "
        "has read.",
        "Resample the map to crop.shape, one map a case.",
        _explain,
        where="explain",
    ),
)
