"""The run-time type checker of the tests: beartype, less the one annotation that it cannot check on a method."""

from typing import Any, Self

from beartype import BeartypeConf, FrozenDict, beartype

check = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({Self: Any})))
