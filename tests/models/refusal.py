"""How the tests of bad input ask for a refusal."""

import re
from typing import Any

import pytest

from helpers import tiny_config


def refused(
    error: type[Exception], message: str, model: type, config: dict[str, Any] | None = None, **inputs: Any
):
    """Run `model` of a small configuration on `inputs` and expect `error` with `message`."""
    with pytest.raises(error, match=re.escape(message)):
        model(tiny_config(**(config or {})))(**inputs)
