"""Logs: one JSON line an event, with what is needed to find a story, without what is secret."""

import io
import json
import logging
from collections.abc import Generator
from typing import Any

import pytest
import structlog

from feira.chassis.telemetry.logs import CORRELATION_ID, SERVICE, configure_logging

SECRET = "s3" + "cr3t"  # in two parts: a traceback shows the lines of this file


class Lines:
    """What was logged, read back."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.read()
        return line


@pytest.fixture
def lines() -> Generator[Lines]:
    before = logging.root.handlers[:], logging.root.level
    made = Lines()
    configure_logging(json=True, stream=made.stream)
    yield made
    logging.root.handlers[:], logging.root.level = before
    structlog.reset_defaults()


def sign_in_badly(phrase: str) -> None:
    try:
        raise RuntimeError("no such user" if phrase else "no phrase")
    except RuntimeError:
        structlog.get_logger().exception("failed")


def test_an_event_is_one_json_line_in_utc(lines: Lines) -> None:
    structlog.get_logger("feira.lane").info("batch_committed", commands=500)
    line = lines.only()
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "batch_committed",
        "commands": 500,
        "level": "info",
        "logger": "feira.lane",
    }


def test_service_and_correlation_id_are_on_every_event_of_a_request(lines: Lines) -> None:
    tokens = SERVICE.set("things"), CORRELATION_ID.set("c-1")
    try:
        structlog.get_logger().warning("slow")
        logging.getLogger("a.library").warning("slow %s", "too")
    finally:
        SERVICE.reset(tokens[0])
        CORRELATION_ID.reset(tokens[1])
    structlog.get_logger().warning("elsewhere")
    stories = [(line.get("service"), line.get("correlation_id")) for line in lines.read()]
    assert stories == [("things", "c-1"), ("things", "c-1"), (None, None)]


def test_the_standard_library_speaks_the_same_way(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").error("no %s", "luck", extra={"color_message": "\x1b[31m"})
    line = lines.only()
    assert (line["event"], line["level"], line["logger"]) == ("no luck", "error", "uvicorn.error")
    assert "color_message" not in line


@pytest.mark.parametrize(
    "key",
    ["password", "new_password", "Authorization", "access_token", "client_secret", "Set-Cookie"],
)
def test_secrets_are_hidden_by_their_key_at_any_depth(lines: Lines, key: str) -> None:
    structlog.get_logger().info("x", **{key: "s3cr3t"}, request={"headers": [{key: ["s3cr3t"]}]})
    assert "s3cr3t" not in lines.stream.getvalue()
    assert lines.only()[key] == "[redacted]"


def test_secrets_are_hidden_by_their_form(lines: Lines) -> None:
    structlog.get_logger().info(
        "x",
        url="postgresql://things:s3cr3t@127.0.0.1/things",
        header="Bearer s3cr3t.s3cr3t",
        urls=["valkey://:s3cr3t@[::1]:6379/0"],
    )
    line = lines.only()
    assert "s3cr3t" not in lines.stream.getvalue()
    assert line["url"] == "postgresql://[redacted]@127.0.0.1/things"


def test_a_traceback_is_told_without_local_variables(lines: Lines) -> None:
    sign_in_badly(SECRET)
    assert lines.only()["exception"].endswith("RuntimeError: no such user")
    assert "s3cr3t" not in lines.stream.getvalue()


def test_a_long_value_keeps_its_ends(lines: Lines) -> None:
    structlog.get_logger().info("x", value="a" + "b" * 100_000 + "c")
    value = lines.only()["value"]
    assert len(value) < 10_000
    assert (value[0], value[-1]) == ("a", "c")


def test_what_json_does_not_know_is_written_as_text(lines: Lines) -> None:
    structlog.get_logger().info("x", error=ValueError("why"), kinds={1: {"a"}}, odd="\ud800")
    line = lines.only()
    assert (line["error"], line["kinds"]) == ("why", {"1": ["a"]})


def test_levels_below_the_asked_one_are_silent(lines: Lines) -> None:
    structlog.get_logger().debug("quiet")
    logging.getLogger("x").debug("quiet")
    assert lines.read() == []


def test_a_person_reads_lines_not_json() -> None:
    before = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    try:
        configure_logging(json=False, stream=stream)
        structlog.get_logger().info("hello", token="s3cr3t", things=3)
        sign_in_badly(SECRET)
    finally:
        logging.root.handlers[:], logging.root.level = before
        structlog.reset_defaults()
    assert "hello" in stream.getvalue()
    assert "things=3" in stream.getvalue()
    assert "RuntimeError: no such user" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()
