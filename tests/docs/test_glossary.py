"""The glossary has the words that the code has, each once."""

from bench.cohorts.columns import GROUPS, ROLES
from tests.docs.pages import page, table_after

PAGE = page("glossary.md")
SECTIONS = ("## The sentence", "## Cases", "## Runs", "## Results")


def meanings() -> dict[str, str]:
    rows = [row for title in SECTIONS for row in table_after(PAGE, title)]
    assert len({word for word, _ in rows}) == len(rows), "a word has two meanings"
    return dict(tuple(row) for row in rows)


def test_the_words_of_the_sentence_come_in_its_order() -> None:
    sentence = page("index.md").split("    cohort -> ")[1].splitlines()[0].split(" -> ")
    assert [word for word, _ in table_after(PAGE, SECTIONS[0])] == ["cohort", *sentence]


def test_groups_and_roles_are_those_of_the_code() -> None:
    found = meanings()
    assert all(f"`{group}`" in found["group"] for group in GROUPS)
    assert all(f"`{role}`" in found["role"] for role in ROLES)
