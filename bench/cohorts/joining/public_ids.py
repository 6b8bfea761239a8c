"""Patients of public collections, whichever id a copy of the collection writes for them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bench.cohorts.cohort import Cohort

# How each source collection, and each that took patients from it, writes a patient's number.
FORMS = {
    "Duke": r"(?:breast_mri|duke)",
    "I-SPY 1": r"ispy1",
    "I-SPY 2": r"(?:ispy2|acrin_6698)",
    "NACT": r"(?:nact|ucsf_br)",
}
# Words of a cohort's name or title, letters and digits alone, and the sources that such a cohort has.
SOURCES = {
    "mamamia": ("Duke", "I-SPY 1", "I-SPY 2", "NACT"),
    "breastdcedl": ("Duke", "I-SPY 1", "I-SPY 2"),
    "duke": ("Duke",),
    "ispy1": ("I-SPY 1",),
    "acrin6657": ("I-SPY 1",),
    "ispy2": ("I-SPY 2",),
    "acrin6698": ("I-SPY 2",),
    "nact": ("NACT",),
}
# A visit or channel behind the number, as in ACRIN-6698-102212_0000.
_VISIT = r"(?:_t?\d{1,4})?"


@dataclass(frozen=True)
class Person:
    """A patient of a source collection, by the collection's own number."""

    collection: str
    number: int


def person_of(patient: str, sources: Iterable[str] = ()) -> Person | None:
    """Who a patient id stands for, where it has a published form; a number alone is of the only source.

    Examples
    --------
    >>> person_of("DUKE_007") == person_of("Breast_MRI_007")
    True
    >>> person_of("ACRIN-6698-102212")
    Person(collection='I-SPY 2', number=102212)
    >>> person_of("1001", ["I-SPY 1"])
    Person(collection='I-SPY 1', number=1001)
    >>> person_of("P3a51b2")
    """
    plain = re.sub(r"[\s_-]+", "_", patient.strip().casefold()).replace("i_spy", "ispy")
    for collection, form in FORMS.items():
        if matched := re.fullmatch(rf"{form}_?(\d+){_VISIT}", plain):
            return Person(collection, int(matched[1]))
    only = [*sources]
    return Person(only[0], int(plain)) if len(only) == 1 and re.fullmatch("[0-9]+", plain) else None


def sources_of(cohort: Cohort) -> set[str]:
    """Source collections that a cohort is made of, by its name and title; empty for any other cohort."""
    said = [re.sub(r"[^a-z0-9]", "", text.casefold()) for text in (cohort.name, cohort.title)]
    return {
        source
        for word, sources in SOURCES.items()
        if any(word in text for text in said)
        for source in sources
    }


def persons_of(cohort: Cohort) -> dict[str, Person]:
    """The persons of a cohort by patient id; ids without a published form are left out."""
    sources = sources_of(cohort)
    found = {patient: person_of(patient, sources) for patient in dict.fromkeys(cohort.patient_ids)}
    return {patient: person for patient, person in found.items() if person is not None}


def hidden_overlap(first: Cohort, second: Cohort) -> str:
    """Why copies of patients in two cohorts cannot be found by id, though both draw on one collection.

    Empty where there is no such collection, or where all ids that matter have a published form.
    """
    for one, other in ((first, second), (second, first)):
        named = persons_of(one)
        unread = [patient for patient in dict.fromkeys(one.patient_ids) if patient not in named]
        shared = sorted(sources_of(one) & _held(other)) if unread else []
        if shared:
            return (
                f"{one.name} and {other.name} both have patients of {' and '.join(shared)}, and "
                f"{len(unread)} patient ids of {one.name}, such as {unread[0]!r}, are in no form that the "
                "collection publishes, so patients who are in both would not be found"
            )
    return ""


def _held(cohort: Cohort) -> set[str]:
    """Collections whose patients the cohort has, or may have under ids without a published form."""
    persons = persons_of(cohort)
    certain = {person.collection for person in persons.values()}
    return certain if len(persons) == len({*cohort.patient_ids}) else certain | sources_of(cohort)
