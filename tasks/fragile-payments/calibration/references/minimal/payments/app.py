"""Puts the parts together and owns their lifetime."""

from __future__ import annotations

import logging
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
from payments.service import PaymentService
from payments.settlement import SettlementWorker
from payments.store import Store
from payments.upstream import build_client

logger = logging.getLogger(__name__)

# The platform waits for 10 seconds; requests under way may have taken 3 of them before.
PAYMENTS_GRACE_SEC = 4.5
RECEIPTS_GRACE_SEC = 1.0


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
        provider_http = build_client(settings.provider_url, transport=provider_transport)
        mailer_http = build_client(settings.mailer_url, transport=mailer_transport)

        provider = ProviderClient(provider_http)
        rates = RateCache(provider)
        receipts = ReceiptSender(store, MailerClient(mailer_http))
        settlement = SettlementWorker(
            store,
            provider,
            interval_sec=settings.settlement_interval_sec,
            batch_size=settings.settlement_batch_size,
        )
        app.state.store = store
        app.state.rates = rates
        service = app.state.service = PaymentService(store, provider, rates)

        service.start()
        settlement.start()
        receipts.start()
        logger.info("payments %s is up", __version__)
        yield
        await service.stop(PAYMENTS_GRACE_SEC)
        settlement.stop()
        await receipts.stop(RECEIPTS_GRACE_SEC)
        await provider_http.aclose()
        await mailer_http.aclose()
        store.close()
        logger.info("payments %s is down", __version__)

    app = FastAPI(title="payments", version=__version__, lifespan=lifespan)
    app.include_router(api.router)
    app.add_exception_handler(PaymentsError, api.on_payments_error)
    app.add_exception_handler(Exception, api.on_other_error)
    app.add_exception_handler(RequestValidationError, api.on_invalid_request)
    app.add_exception_handler(400, api.on_bad_request)
    return app
