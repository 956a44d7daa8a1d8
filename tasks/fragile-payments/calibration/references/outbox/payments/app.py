"""Puts the parts together and owns their lifetime."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from payments import __version__, api, store
from payments.capacity import Admission, Gate
from payments.config import Settings
from payments.db import Database
from payments.dispatch import Dispatcher
from payments.errors import PaymentsError
from payments.mailer import MailerClient
from payments.provider import ProviderClient
from payments.rates import Rates
from payments.service import PaymentService
from payments.upstream import build_client
from payments.waiting import Waiting

logger = logging.getLogger(__name__)


def create_app(
    settings: Settings,
    *,
    provider_transport: httpx.AsyncBaseTransport | None = None,
    mailer_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Build the service; tests pass transports to use instead of the network."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        db = Database(settings.database_path, store.prepare)
        await db.open()
        provider_http = build_client(settings.provider_url, transport=provider_transport)
        # A connection for each message: one that they close under us would leave a doubt.
        mailer_http = build_client(settings.mailer_url, transport=mailer_transport, keepalive=0)

        gate = Gate()
        admission = Admission(gate.normal_slots)
        waiting = Waiting()
        provider = ProviderClient(provider_http)
        rates = Rates(provider, gate, on_news=lambda: dispatcher.wake("front"))
        dispatcher = Dispatcher(
            settings,
            db,
            provider,
            MailerClient(mailer_http),
            rates,
            gate,
            admission,
            waiting,
        )
        under_way = await db.write(store.recover, time.time(), settings.outcome_sec)
        if under_way:
            logger.warning("taking over %d payments and refunds", len(under_way))
        admission.resume(under_way)
        dispatcher.start()

        app.state.db = db
        app.state.rates = rates
        app.state.service = PaymentService(settings, db, rates, admission, waiting, dispatcher)
        logger.info("payments %s is up", __version__)
        yield
        app.state.service.leaving = True
        began = getattr(app.state, "leave_began", time.monotonic())
        await dispatcher.drain(began + settings.leave_sec)
        rates.stop()
        await asyncio.gather(provider_http.aclose(), mailer_http.aclose())
        await db.close()
        logger.info("payments %s is down", __version__)

    app = FastAPI(title="payments", version=__version__, lifespan=lifespan)
    app.include_router(api.router)
    app.add_exception_handler(PaymentsError, api.on_payments_error)
    app.add_exception_handler(sqlite3.Error, api.on_database_error)
    app.add_middleware(api.InTime)
    return app
