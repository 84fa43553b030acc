"""What the tests of the chassis share."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Bugs are provoked here by the dozen; painting their tracebacks takes most of a second."""
    with capture_logs():
        yield
