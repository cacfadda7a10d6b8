"""How pytest compares a lesson with its stored outputs (`make test`)."""

import pytest

# In these readers write their answers: nothing can be compared, and the first cell without an answer fails.
collect_ignore_glob = ["exercises/*_exercises.ipynb"]


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Leave what lands on stderr out of the comparison: warnings differ from one machine to the next."""
    if type(collector).__name__ == "IPyNbFile":  # the collector of nbval
        collector.skip_compare += ("stderr",)
