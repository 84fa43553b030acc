"""Settings for commands that work on an embedded shop: they are found in its data directory."""

import os
from collections.abc import Sequence
from pathlib import Path

from feira.chassis.settings import ServiceSettings, load_settings
from feira.runtime.registry import SERVICES, check_names, settings_of
from feira.runtime.shop import read_environment
from feira.runtime.shop_settings import ShopSettings


def service_settings(names: Sequence[str] | None) -> dict[str, ServiceSettings]:
    """The settings of some services (all when none is named), from the environment or `.feira/`.

    Raises `Misconfigured`.
    """
    chosen = names or SERVICES
    check_names(chosen)
    use_environment_of(ShopSettings().data_dir)
    return {name: load_settings(settings_of(name)) for name in chosen}


def use_environment_of(data_dir: Path) -> None:
    """Take over what the shop in a data directory told its processes, where we were not told."""
    for name, value in read_environment(data_dir).items():
        os.environ.setdefault(name, value)
