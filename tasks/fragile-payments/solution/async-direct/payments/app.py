"""Puts the parts together and owns their lifetime."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from payments import __version__, api
from payments.config import Settings
from payments.errors import PaymentsError
from payments.mailer import MailerClient
from payments.provider import ProviderClient
from payments.rates import RateCache
from payments.receipts import ReceiptSender
from payments.recovery import RecoveryWorker
from payments.service import PaymentService
from payments.settlement import SettlementWorker
from payments.store import Store
from payments.upstream import build_client

logger = logging.getLogger(__name__)

DRAIN_SEC = 4.0
"""For calls that are under way at the end; SIGKILL comes 10 seconds after SIGTERM."""


def create_app(
    settings: Settings,
    *,
    provider_transport: httpx.AsyncBaseTransport | None = None,
    mailer_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Build the service; tests pass transports to use instead of the network."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(settings.database_path)
        provider_http = build_client(
            settings.provider_url, keepalive=20, transport=provider_transport
        )
        # A message that goes into a connection which the mailer is just closing may be lost.
        mailer_http = build_client(settings.mailer_url, keepalive=0, transport=mailer_transport)

        provider = ProviderClient(provider_http)
        rates = RateCache(provider)
        service = PaymentService(store, provider, rates)
        recovery = RecoveryWorker(store, provider, service)
        receipts = ReceiptSender(store, MailerClient(mailer_http))
        settlement = SettlementWorker(
            store,
            provider,
            interval_sec=settings.settlement_interval_sec,
            batch_size=settings.settlement_batch_size,
        )
        app.state.store = store
        app.state.rates = rates
        app.state.service = service

        for part in (rates, recovery, settlement, receipts):
            part.start()
        logger.info("payments %s is up", __version__)
        yield
        logger.info("payments %s is going down", __version__)
        for worker in (recovery, settlement):
            worker.stop()
        await asyncio.gather(service.drain(DRAIN_SEC), receipts.stop(DRAIN_SEC))
        rates.stop()
        await provider_http.aclose()
        await mailer_http.aclose()
        store.close()
        logger.info("payments %s is down", __version__)

    app = FastAPI(title="payments", version=__version__, lifespan=lifespan)
    app.include_router(api.router)
    app.add_exception_handler(PaymentsError, api.on_payments_error)
    app.add_exception_handler(RequestValidationError, api.on_invalid_request)
    app.add_exception_handler(sqlite3.Error, api.on_unexpected)
    app.add_exception_handler(Exception, api.on_unexpected)
    return app
