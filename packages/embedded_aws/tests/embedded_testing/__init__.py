"""What the tests of the embedded AWS share."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from embedded_testing.stack import Stack

Deploy: TypeAlias = Callable[[Mapping[str, Any]], Stack]
