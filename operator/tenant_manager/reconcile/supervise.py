"""The database's health: coming into office, noticing an outage, telling the Tenants, recovering by itself."""

import asyncio
from typing import Final

import structlog

from tenant_manager.api import reasons
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube.client import Refused as ApiRefused
from tenant_manager.kube.client import Unreachable
from tenant_manager.kube.objects import TENANT
from tenant_manager.postgres import lead
from tenant_manager.postgres import plan as plan_rows
from tenant_manager.postgres.install import Refused
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.queue import Lane
from tenant_manager.reconcile.scan import scan

ASK_AGAIN: Final = 3.0  # seconds between two looks at a healthy database
RETRY: Final = (0.5, 1, 2, 3, 5)  # seconds between attempts to come into office, the last one for ever
TELL_AFTER: Final = 10.0  # seconds of outage that no Tenant is told of: a restart, a failover

log = structlog.get_logger("tenant_manager")


async def supervise(context: Context, url: str, holder: str) -> None:
    """Keep the database usable, for ever; return when another operator has the lead.

    Never takes the lead twice: an operator that lost it would take it back from the one that was started on purpose.
    """
    attempts = 0
    while not context.database.fenced:
        try:
            if context.database.problem is not None:
                await _come_into_office(context, url, holder)
            else:
                await lead.check_lead(context.database)
            attempts = 0
        except Stopped as stopped:
            await _trouble(context, stopped)
            attempts += 1
        except Refused as refused:
            await _trouble(context, Stopped(reasons.KERNEL_MISSING, str(refused)))
            attempts += 1
        except Exception as error:
            log.exception("the database cannot be looked at")
            await _trouble(context, Stopped(reasons.DATABASE_UNREACHABLE, f"The operator met {type(error).__name__}."))
            attempts += 1
        await asyncio.sleep(RETRY[min(attempts, len(RETRY)) - 1] if attempts else ASK_AGAIN)


async def scan_for_ever(context: Context) -> None:
    """Scan once the lists are complete and the database is usable, then on the clock."""
    while not context.database.fenced:
        pause = context.settings.scan_seconds
        if context.cache.listed and context.database.problem is None:
            try:
                await scan(context)
            except Stopped as stopped:
                log.warning("the scan was stopped", reason=stopped.reason.name, message=stopped.message)
            except (ApiRefused, Unreachable) as error:
                log.warning("the scan was stopped", error=str(error))
            except Exception:
                log.exception("the scan failed")
        else:
            pause = min(pause, 0.2)
        await asyncio.sleep(pause)


async def _come_into_office(context: Context, url: str, holder: str) -> None:
    database = context.database
    if not database.url:
        database.url = await lead.become_operator(url, context.fresh())
    await lead.take_office(database, holder)
    # Before a pass may begin: without them a tenant whose Plan was deleted would seem never to have had one.
    context.stored_plans = await plan_rows.stored(database, opening=True)
    database.problem = None
    context.metrics.database_up.labels(database.name).set(1)
    log.info("the database is usable", database=database.name, epoch=database.epoch)
    _queue_all(context)


async def _trouble(context: Context, stopped: Stopped) -> None:
    database = context.database
    if stopped.reason is reasons.NOT_THE_LEADER:
        context.lose_lead(stopped)
        return
    was = database.problem
    database.problem = stopped
    context.metrics.database_up.labels(database.name).set(0)
    if was is None or was.reason is not stopped.reason:
        log.warning("the database cannot be used", reason=stopped.reason.name, message=stopped.message)
        asyncio.get_running_loop().call_later(TELL_AFTER, _tell, context, stopped.reason)


def _tell(context: Context, reason: reasons.Reason) -> None:
    if context.database.problem is not None and context.database.problem.reason is reason:
        _queue_all(context)


def _queue_all(context: Context) -> None:
    if context.cache.listed:
        for key in list(context.cache.objects):
            waits = key.kind == TENANT and context.queue.failed(key)
            context.queue.add(key, Lane.PEOPLE if waits else Lane.SWEEP)
