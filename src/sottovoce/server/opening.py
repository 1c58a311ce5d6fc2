"""Each component opened with what its server gives it: whom it calls, its log, what it reports.

When components are opened, and what becomes of them afterwards, is decided by the process that
hosts them.
"""

from sottovoce.contracts import HubCalls, TrkCalls
from sottovoce.hub import HubApp, HubSettings
from sottovoce.lui import LuiApp, LuiSettings
from sottovoce.net import Endpoint, Peer, Reporting, utc_now
from sottovoce.net.log import Log
from sottovoce.server.plan import Plan
from sottovoce.trk import TrkApp, TrkSettings

__all__ = ["open_hub", "open_lui", "open_trk"]


async def open_hub(plan: Plan, settings: HubSettings, *, endpoint: Endpoint, log: Log) -> HubApp:
    """Open HUB's database.

    Raises:
        StoreError, SettingsError: it cannot be used.
    """
    return await HubApp.open(
        plan.home.path,
        settings,
        own_name=plan.settings.server_name,
        trust=endpoint.trust,
        clock=utc_now,
        log=log,
    )


async def open_trk(
    plan: Plan, settings: TrkSettings, *, hub: Peer, log: Log, reporting: Reporting
) -> TrkApp:
    """Open TRK's database, and let it report to HUB.

    Raises:
        StoreError, SettingsError: it cannot be used.
    """
    return await TrkApp.open(
        plan.home.path,
        settings,
        hub=hub.stub(HubCalls),
        own_name=plan.settings.server_name,
        secured=plan.secured,
        clock=utc_now,
        log=log,
        reporting=reporting,
    )


async def open_lui(
    plan: Plan, settings: LuiSettings, *, hub: Peer, tracker: Peer, log: Log, reporting: Reporting
) -> LuiApp:
    """Open LUI's database, and let it report to HUB and fetch from TRK.

    Raises:
        StoreError, SettingsError: it cannot be used.
    """
    return await LuiApp.open(
        plan.home.path,
        settings,
        hub=hub.stub(HubCalls),
        tracker=tracker.stub(TrkCalls),
        own_name=plan.settings.server_name,
        secured=plan.secured,
        clock=utc_now,
        log=log,
        reporting=reporting,
    )
