"""What the shop's processes said last, beside the failure of a test."""

import pytest

from tests.shop import RunningShop


def with_tails(item: pytest.Item, report: pytest.TestReport) -> pytest.TestReport:
    """The report, with the ends of the shop's logs where it tells of a failure."""
    shop = getattr(item, "funcargs", {}).get("shop")
    if report.failed and isinstance(shop, RunningShop):
        report.sections.append(("the shop's last words", shop.tails()))
    return report
