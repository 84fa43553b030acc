"""Metrics: named, in base units, each service with its own."""

from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from feira.chassis.telemetry.metrics import (
    ConsumerMetrics,
    HttpMetrics,
    LaneMetrics,
    RelayMetrics,
    WorkMetrics,
    exposition,
)


@pytest.fixture
def service() -> str:
    return f"things_{uuid4().hex[:8]}"


def samples(service: str) -> dict[str, float]:
    """What the service's `/metrics` shows: `name{label=value}` to number, without its own label."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition(service).decode()):
        for sample in family.samples:
            if sample.labels.pop("service", None) == service:
                labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_a_lane_tells_its_depth_its_batches_and_its_refusals(service: str) -> None:
    lane = LaneMetrics.for_service(service)
    lane.queued(12)
    lane.batch(500, 0.02)
    lane.batch(3, 0.001)
    lane.refused()
    lane.retried()
    lane.dead_lettered(2)
    shown = samples(service)
    assert shown["feira_lane_queue_commands"] == 12
    assert shown["feira_lane_batch_commands_sum"] == 503
    assert shown["feira_lane_batch_commands_count"] == 2
    assert shown["feira_lane_batch_duration_seconds_sum"] == pytest.approx(0.021)
    assert shown["feira_lane_refusals_total"] == 1
    assert shown["feira_lane_retries_total"] == 1
    assert shown["feira_dead_letters_total"] == 2


def test_a_relay_tells_what_it_published_and_how_old_the_rest_is(service: str) -> None:
    relay = RelayMetrics.for_service(service)
    relay.published(envelopes=2, events=700)
    relay.outbox_age(1.5)
    shown = samples(service)
    assert shown["feira_relay_published_envelopes_total"] == 2
    assert shown["feira_relay_published_events_total"] == 700
    assert shown["feira_outbox_age_seconds"] == 1.5


def test_a_consumer_tells_what_it_handled_and_its_lag(service: str) -> None:
    consumer = ConsumerMetrics.for_service(service)
    consumer.handled(40)
    consumer.lag(3)
    shown = samples(service)
    assert shown["feira_consumer_events_total"] == 40
    assert shown["feira_consumer_lag_envelopes"] == 3


def test_long_work_tells_its_age(service: str) -> None:
    work = WorkMetrics.for_service(service)
    work.open_work("awaiting_payment", count=4, oldest_seconds=61.5)
    work.restarted("relay")
    shown = samples(service)
    assert shown["feira_open_work{kind=awaiting_payment}"] == 4
    assert shown["feira_open_work_age_seconds{kind=awaiting_payment}"] == 61.5
    assert shown["feira_restarts_total{part=relay}"] == 1


def test_requests_are_told_by_template_and_status_class(service: str) -> None:
    http = HttpMetrics(service)
    for status in (200, 201, 404):
        http.answered("GET", "/things/{id}", status, 0.003)
    shown = samples(service)
    name = "feira_http_request_duration_seconds_count{method=GET,route=/things/{id},status="
    assert shown[f"{name}2xx}}"] == 2
    assert shown[f"{name}4xx}}"] == 1


def test_a_service_shows_only_its_own_and_the_process(service: str) -> None:
    LaneMetrics.for_service(f"{service}_other").refused()
    LaneMetrics.for_service(service).refused()
    text = exposition(service).decode()
    assert f"{service}_other" not in text
    assert "process_cpu_seconds_total" in text


def test_two_of_the_same_name_share_their_numbers(service: str) -> None:
    LaneMetrics.for_service(service).refused()
    LaneMetrics.for_service(service).refused()
    assert samples(service)["feira_lane_refusals_total"] == 2


def test_names_end_in_their_unit(service: str) -> None:
    LaneMetrics.for_service(service).refused()
    units = ("_seconds", "_commands", "_envelopes", "_total", "_work")
    ours = [
        family.name if family.type != "counter" else f"{family.name}_total"
        for family in text_string_to_metric_families(exposition(service).decode())
        if family.name.startswith("feira_")
    ]
    assert ours
    assert [name for name in ours if not name.endswith(units)] == []
