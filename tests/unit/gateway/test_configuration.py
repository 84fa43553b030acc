"""The text that NGINX is given; that NGINX does as it says is tested in tests/adapters/gateway."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from feira.kernel.errors import Misconfigured
from feira.services.gateway.configuration import nginx_configuration
from feira.services.gateway.problems import PROBLEMS, document_of
from feira.services.gateway.settings import GatewaySettings

ROUTES = {
    "identity": [("POST", "/login"), ("GET", "/me")],
    "orders": [("POST", "/orders"), ("GET", "/orders/{id}"), ("POST", "/orders/{id}/cancel")],
    "payments": [("POST", "/webhooks/sandbox")],
}
UPSTREAMS = {
    "identity": ["127.0.0.1:8101"],
    "orders": ["orders-1:8000", "unix:/run/orders.sock"],
    "payments": ["[::1]:8106"],
}


def configured(**settings: object) -> str:
    return nginx_configuration(GatewaySettings.model_validate(settings), UPSTREAMS, ROUTES)


def line_with(text: str, part: str) -> str:
    (line,) = [line.strip() for line in text.splitlines() if part in line]
    return line


def test_placing_an_order_takes_the_shortest_way() -> None:
    line = line_with(configured(), "location = /orders ")
    assert line == (
        "location = /orders { proxy_pass http://orders; limit_req zone=clients burst=400 nodelay; }"
    )


def test_nothing_of_whoever_runs_nginx_is_said() -> None:
    words = {line.split()[0] for line in configured().splitlines() if line.strip()}
    assert not words & {"daemon", "pid", "user", "worker_shutdown_timeout"}


def test_every_address_of_a_service_is_used() -> None:
    text = configured()
    for address in ("orders-1:8000", "unix:/run/orders.sock", "[::1]:8106"):
        assert f"server {address} " in text


def test_signing_in_is_limited_more_strictly_and_webhooks_are_not_limited() -> None:
    text = configured(sign_ins_burst=7)
    assert "zone=sign_ins burst=7 nodelay;" in line_with(text, "location = /login ")
    assert "limit_req" not in line_with(text, "location = /webhooks/sandbox ")
    assert "sign_ins" not in line_with(text, "location = /me ")


def test_limits_can_be_switched_off() -> None:
    assert "limit_req" not in configured(rate_limit=False)


def test_only_what_is_read_is_compressed() -> None:
    text = configured()
    assert "gzip on;" in line_with(text, "location ^~ /orders/ ")
    assert "gzip" not in line_with(text, "location = /login ")


def test_hsts_is_for_tls_alone() -> None:
    assert "Strict-Transport-Security" not in configured()
    text = configured(certificate_file="/tls/a.pem", certificate_key_file="/tls/a.key")
    assert "Strict-Transport-Security" in text
    assert " ssl;" in line_with(text, "listen ")


def test_without_origins_nothing_is_said_about_them() -> None:
    assert "Access-Control" not in configured()


def test_services_own_problems_are_not_replaced() -> None:
    assert "proxy_intercept_errors" not in configured()


def test_a_service_without_address_is_a_mistake() -> None:
    with pytest.raises(Misconfigured, match="payments"):
        nginx_configuration(GatewaySettings(), {"identity": ["a:1"], "orders": ["a:2"]}, ROUTES)


@pytest.mark.parametrize("address", ["a:1; }", "a", "http://a:1", "unix:relative", 'a:"1', ""])
def test_an_address_cannot_write_configuration(address: str) -> None:
    with pytest.raises(Misconfigured):
        nginx_configuration(GatewaySettings(), {**UPSTREAMS, "orders": [address]}, ROUTES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"static_dir": Path('/a"; }')},
        {"access_log_file": Path("/a$b")},
        {"cors_origins": ["*"]},
        {"cors_origins": ['https://a.example"']},
        {"certificate_file": Path("/only/one")},
        {"host": "127.0.0.1; }"},
        {"requests_per_second": 0},
    ],
)
def test_a_setting_cannot_write_configuration(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate(wrong)


def test_problems_have_a_place_in_an_nginx_text() -> None:
    for problem in PROBLEMS:
        document = document_of(problem)
        assert "'" not in document
        assert document.count("$") == 1, "NGINX fills in the instance, and nothing else"
