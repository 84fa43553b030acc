"""A run holds only if every rule did and every kind of fault fired."""

from feira.audit.evidence import Evidence
from feira.audit.finding import Violation
from feira.torture.catalog import faults_named
from feira.torture.report import as_json, as_text
from feira.torture.torturing import Plan, Run


def a_run() -> Run:
    faults = faults_named("poison,fill-database-disk", "valkey")
    run = Run(Plan(minutes=1, seeds=[7], faults=faults), evidence=Evidence(history=[]))
    for fault in faults:
        run.strikes.end(fault.name, run.strikes.begin(fault.name), "something")
    return run


def test_all_fired_and_nothing_was_violated() -> None:
    run = a_run()
    assert run.held
    assert "all of them held" in as_text(run)
    assert as_json(run)["faults"]["poison"] == {"fired": 1, "missed": 0}
    assert as_json(run)["kinds_at_once_max"] == 2


def test_a_fault_that_never_fired_fails_the_run() -> None:
    run = a_run()
    run.strikes.fired["poison"] = 0
    assert not run.held
    assert "NEVER FIRED: poison" in as_text(run)


def test_a_violation_fails_the_run_and_is_told() -> None:
    run = a_run()
    run.violations = [
        Violation(rule="a rule", about="order 1", expected="this", seen="that", records="a row")
    ]
    run.last_lines = "== rabbitmq.log\nno space left"
    assert not run.held
    text = as_text(run)
    assert "order 1: a rule" in text
    assert "s: something" in text
    assert "no space left" in text
    assert "IT DID NOT HOLD" in text


def test_a_run_that_was_stopped_has_not_held_and_says_why() -> None:
    run = a_run()
    run.stopped = "feira up ended with 1"
    assert not run.held
    assert "ENDED BEFORE ITS TIME: feira up ended with 1" in as_text(run)
    assert as_json(run)["stopped"] == "feira up ended with 1"


def test_what_a_broker_cannot_have_is_told() -> None:
    run = Run(Plan(minutes=1, seeds=[7], faults=faults_named("poison", "kafka"), broker="kafka"))
    assert "flush-broker        not with kafka: no command of it" in as_text(run)


def test_what_this_machine_does_not_allow_is_told_and_not_waited_for() -> None:
    run = a_run()
    run.strikes.fired["fill-database-disk"] = 0
    run.left_out = {"fill-database-disk": "no mounting here"}
    assert run.held
    assert "fill-database-disk  NOT DONE: no mounting here" in as_text(run)
