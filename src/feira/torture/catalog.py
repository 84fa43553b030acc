"""All kinds of faults, and with which brokers each is possible: a table, not conditions."""

from typing import Final

from feira.torture.faults import messages, network, processes, stores, surroundings
from feira.torture.faults.fault import Fault

RARELY: Final = (15.0, 35.0)
ONCE_A_MINUTE: Final = (30.0, 50.0)

NO_FLUSH: Final = dict.fromkeys(
    ("kafka", "rabbitmq"), "no command of it forgets everything: wipe-broker is as much"
)

FAULTS: Final = (
    Fault(name="kill-service", strike=processes.kill_service),
    Fault(name="kill-sandbox", strike=processes.kill_part("sandbox")),
    Fault(name="kill-gateway", strike=processes.kill_part("nginx")),
    Fault(name="kill-database", strike=processes.kill_part("postgres"), every_seconds=RARELY),
    Fault(name="kill-backend", strike=stores.kill_backend, every_seconds=RARELY),
    Fault(name="kill-broker", strike=processes.kill_broker, every_seconds=RARELY),
    Fault(name="kill-everything", strike=processes.kill_everything, every_seconds=ONCE_A_MINUTE),
    Fault(
        name="kill-shop",
        strike=processes.kill_shop,
        every_seconds=ONCE_A_MINUTE,
        stands_alone=True,
    ),
    Fault(name="pause-service", strike=processes.pause_service),
    Fault(name="pause-sandbox", strike=processes.pause_part("sandbox")),
    Fault(name="pause-gateway", strike=processes.pause_part("nginx")),
    Fault(name="pause-database", strike=processes.pause_part("postgres"), every_seconds=RARELY),
    Fault(name="pause-broker", strike=processes.pause_broker),
    Fault(name="pause-supervisor", strike=processes.pause_supervisor),
    Fault(name="terminate-backends", strike=stores.terminate_backends),
    Fault(name="flush-broker", strike=stores.flush_valkey, not_with=NO_FLUSH, every_seconds=RARELY),
    Fault(name="wipe-broker", strike=stores.wipe_broker, every_seconds=RARELY),
    Fault(
        name="fill-database-disk",
        strike=stores.fill_disk(stores.disk_of_database),
        every_seconds=RARELY,
        needs_disks=True,
    ),
    Fault(
        name="fill-broker-disk",
        strike=stores.fill_disk(stores.disk_of_broker),
        every_seconds=RARELY,
        needs_disks=True,
    ),
    Fault(name="cut-database", strike=network.cut("the database", network.database_of)),
    Fault(name="delay-database", strike=network.delay("the database", network.database_of)),
    Fault(name="stall-database", strike=network.stall("the database", network.database_of)),
    Fault(name="cut-broker", strike=network.cut("the broker", network.broker_of)),
    Fault(name="delay-broker", strike=network.delay("the broker", network.broker_of)),
    Fault(name="stall-broker", strike=network.stall("the broker", network.broker_of)),
    Fault(name="poison", strike=messages.poison),
    Fault(name="duplicate", strike=messages.duplicate),
    Fault(name="trouble-provider", strike=surroundings.trouble_provider),
    Fault(name="skew-clock", strike=surroundings.skew_clock),
)


def faults_named(names: str, broker: str) -> list[Fault]:
    """The faults of `all`, or of a list by commas, that are possible with a broker.

    Raises `ValueError` for a name that is none, or one that this broker cannot have.
    """
    possible = {fault.name: fault for fault in FAULTS if broker not in fault.not_with}
    if names == "all":
        return list(possible.values())
    wanted = [name.strip() for name in names.split(",")]
    unknown = sorted(set(wanted) - possible.keys())
    if unknown:
        raise ValueError(f"not with {broker}: {', '.join(unknown)}; known: {', '.join(possible)}")
    return [possible[name] for name in wanted]
