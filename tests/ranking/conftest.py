import pytest

from tests.example_results import constant, method, results, truth_table
from tests.ranking.partial_methods import without_fold


@pytest.fixture(scope="module")
def truth():
    return truth_table()


@pytest.fixture(scope="module")
def partial_results(truth):
    partial = without_fold(method("partial", truth, 3.0, salt=2), 3)
    return results(method("good", truth, 3.0), method("weak", truth, 0.3, salt=1), constant(truth), partial)
