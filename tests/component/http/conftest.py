"""A made-up service and its callers, for the tests of the HTTP chassis."""

import pytest

from feira.chassis.http.shell import ServiceShell
from tests.asgi import AsgiClient
from tests.things import Tokens, things_shell


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def shell(tokens: Tokens) -> ServiceShell:
    return things_shell(tokens.verifier)


@pytest.fixture
def anyone(shell: ServiceShell) -> AsgiClient:
    return AsgiClient(shell)


@pytest.fixture
def buyer(shell: ServiceShell, tokens: Tokens) -> AsgiClient:
    return AsgiClient(shell, tokens.of(7))


@pytest.fixture
def admin(shell: ServiceShell, tokens: Tokens) -> AsgiClient:
    return AsgiClient(shell, tokens.of(1, "admin"))
