"""The page on the command line has every command and option, and nothing else."""

import re

from tests.docs.cli_page import NAME, cli_page
from tests.docs.pages import page


def test_the_page_is_what_the_commands_say() -> None:
    assert page(NAME) == cli_page(), "write it anew: python -m tests.docs.cli_page"


def test_the_page_has_commands_of_groups_and_their_options() -> None:
    sections = dict(re.findall(r"^## (bench [\w -]+)\n(.*?)(?=^## |\Z)", page(NAME), flags=re.M | re.S))
    assert "`--ids`" in sections["bench cohort import duke"]
    assert "`FOLDER`" in sections["bench cohort check"]
    assert "`--method`, `-m`" in sections["bench run"]
