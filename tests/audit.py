"""Do orders, stock and money agree? The auditor is asked about a running shop."""

from feira.audit.auditing import audit
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment
from feira.torture.gathering import gather
from tests.eventually import eventually
from tests.shop_client import ShopClient


async def all_agree(client: ShopClient) -> Evidence:
    """What every party says, once they agree; fails with what they disagree about."""

    async def agreeing() -> Evidence:
        evidence = await gather(client)
        found = audit(evidence, Moment.AT_REST)
        assert not found, "\n".join(map(str, found))
        return evidence

    return await eventually(agreeing, what="the books agree")
