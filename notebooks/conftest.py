"""How pytest compares a lesson with its stored outputs (`make test`)."""

import pytest


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Leave what lands on stderr out of the comparison: warnings differ from one machine to the next."""
    if type(collector).__name__ == "IPyNbFile":  # the collector of nbval
        collector.skip_compare += ("stderr",)
