"""Puts the parts together and owns their lifetime."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from payments import __version__, api
from payments.background import RECEIPT_SENDERS, Doubts, Loop, Receipts, Settlement
from payments.charging import Charging
from payments.config import Settings
from payments.errors import PaymentsError
from payments.provider import ProviderClient
from payments.rates import Rates
from payments.refunds import Refunds
from payments.store import Store
from payments.upstream import Upstream

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """Build the service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(settings.database_path)
        provider_http = Upstream(settings.provider_url)
        # A fresh connection for each mail: one that went stale would leave us in doubt.
        mailer_http = Upstream(settings.mailer_url, keepalive=0)
        provider = ProviderClient(provider_http)
        rates = Rates(provider)
        charging = Charging(store, provider, rates, settings)
        refunds = Refunds(store, provider)
        receipts = Receipts(store, mailer_http)
        settlement = Settlement(store, provider, settings.settlement_batch_size)
        loops = [
            Loop("settlement", settlement.run_once, settings.settlement_interval_sec),
            Loop("doubts", Doubts(store, provider).run_once, 1.0),
            Loop("refunds", refunds.run_once, 1.0),
            *(Loop(f"receipts-{n}", receipts.run_once, 0.5) for n in range(RECEIPT_SENDERS)),
        ]
        app.state.settings = settings
        app.state.store = store
        app.state.rates = rates
        app.state.charging = charging
        app.state.refunds = refunds

        receipts.recover()
        rates.start()
        charging.start()
        for loop in loops:
            loop.start()
        logger.info("payments %s is up", __version__)
        yield
        stopped_by = time.monotonic() + settings.drain_sec + 1.0
        for loop in loops:
            loop.stop()
        await run_in_threadpool(charging.stop)
        rates.stop()
        for loop in loops:
            await run_in_threadpool(loop.join, stopped_by - time.monotonic())
        await run_in_threadpool(store.close)
        logger.info("payments %s is down", __version__)

    app = FastAPI(title="payments", version=__version__, lifespan=lifespan)
    app.include_router(api.router)
    app.add_middleware(api.LimitBody)
    app.add_exception_handler(PaymentsError, api.on_payments_error)
    app.add_exception_handler(sqlite3.Error, api.on_database_error)
    app.add_exception_handler(RequestValidationError, api.on_invalid_request)
    return app
