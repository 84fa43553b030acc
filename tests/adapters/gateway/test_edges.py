"""The gateway's rarer settings: TLS, a balancer before it, an access log, several workers."""

import ssl
from datetime import timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from feira.embedded.ports import HOST
from feira.kernel.clock import SystemClock
from tests.adapters.gateway.world import gateway

SHOP = "shop.example"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a certificate and its key. NGINX's master reads them, as whoever started it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SHOP)]), SystemClock().now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SHOP)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "shop.pem", tmp_path / "shop.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_tls_is_announced_for_good(certificate: tuple[Path, Path]) -> None:
    pem, key = certificate
    trust = ssl.create_default_context(cafile=str(pem))
    async with gateway(certificate_file=pem, certificate_key_file=key, workers=2) as world:
        url = f"https://{HOST}:{world.port}/orders/1"
        connector = aiohttp.TCPConnector(ssl=trust)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, server_hostname=SHOP) as answer,
        ):
            assert answer.status == 200
            assert "max-age" in answer.headers["Strict-Transport-Security"]
        assert world.services["orders"].seen[0].headers["x-forwarded-proto"] == "https"
        plain = await world.ask("GET", "/orders/1")
        assert (plain.status, plain.problem["code"]) == (400, "bad_request")


async def test_a_balancer_that_is_trusted_tells_the_client_and_no_other_does() -> None:
    told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    for network, address, scheme in (
        ("127.0.0.0/8", "203.0.113.9", "https"),
        ("10.0.0.0/8", "127.0.0.1", "http"),
    ):
        async with gateway(trusted_proxies=[network]) as world:
            await world.ask("GET", "/orders/1", headers=told)
            headers = world.services["orders"].seen[0].headers
            assert headers["x-real-ip"] == headers["x-forwarded-for"] == address
            assert headers["x-forwarded-proto"] == scheme


async def test_the_access_log_is_a_json_document_a_line(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    async with gateway(access_log_file=log) as world:
        await world.ask("GET", '/orders/1?q="x"', headers={"X-Correlation-Id": 'a"b'})
        await world.ask("GET", "/nothing")
    first, second = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    assert (first["status"], first["correlation_id"], first["client"]) == ("200", 'a"b', HOST)
    assert first["method"] == "GET"
    assert (second["status"], second["uri"]) == ("404", "/nothing")
