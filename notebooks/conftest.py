"""How pytest compares a lesson with its stored outputs (`make test`)."""

import pytest

from needed_data import why_left_out

# In these readers write their answers: nothing can be compared, and the first cell without an answer fails.
collect_ignore_glob = ["exercises/*_exercises.ipynb"]


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Leave what lands on stderr out of the comparison: warnings differ from one machine to the next."""
    if type(collector).__name__ == "IPyNbFile":  # the collector of nbval
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out a lesson whose data are not here and cannot be fetched, and say so."""
    for item in items:
        reason = why_left_out(item.path.stem) if item.path.suffix == ".ipynb" else ""
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
