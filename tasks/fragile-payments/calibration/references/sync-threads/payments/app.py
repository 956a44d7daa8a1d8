"""Puts the parts together and owns their lifetime."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from payments import __version__, api
from payments.config import Settings
from payments.engine import Engine, Health
from payments.errors import PaymentsError
from payments.mailer import MailerClient
from payments.models import Currency
from payments.payment_job import Tools
from payments.provider import ProviderClient
from payments.rates import Rates
from payments.receipts import ReceiptSender
from payments.service import PaymentService
from payments.settlement import SettlementJob
from payments.store import Store
from payments.upstream import build_client
from payments.vault import Vault

logger = logging.getLogger(__name__)

HTTP_THREADS = 100


def create_app(
    settings: Settings,
    *,
    provider_transport: httpx.BaseTransport | None = None,
    mailer_transport: httpx.BaseTransport | None = None,
) -> FastAPI:
    """Build the service; tests pass transports to use instead of the network."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = HTTP_THREADS
        store = Store(settings.database_path)
        health = Health()
        provider = ProviderClient(
            build_client(settings.provider_url, transport=provider_transport), health.heard
        )
        # A connection of its own for each message: one that the mailer closes while we send
        # would leave us not knowing whether it has the message.
        mailer = MailerClient(
            build_client(settings.mailer_url, transport=mailer_transport, keep_alive=False)
        )
        engine = Engine()
        rates = Rates(provider, engine, [currency.value for currency in Currency])
        receipts = ReceiptSender(store, mailer)
        service = PaymentService(
            Tools(
                store=store,
                vault=Vault(settings.data_dir / "tokens"),
                provider=provider,
                engine=engine,
                health=health,
                rates=rates,
                receipts=receipts,
            )
        )
        app.state.store = store
        app.state.rates = rates
        app.state.engine = engine
        app.state.service = service

        service.resume()
        engine.submit(
            SettlementJob(
                store,
                provider,
                engine,
                interval_sec=settings.settlement_interval_sec,
                batch_size=settings.settlement_batch_size,
            )
        )
        engine.start()
        receipts.start()
        logger.info("payments %s is up", __version__)

        def stop() -> None:
            until = time.monotonic() + settings.drain_sec
            left = engine.drain(until)
            receipts.stop(until)
            engine.close()
            store.close()
            logger.info("payments %s is down, %d left for the next start", __version__, left)

        yield
        await run_in_threadpool(stop)

    app = FastAPI(title="payments", version=__version__, lifespan=lifespan)
    app.include_router(api.router)
    app.add_middleware(api.Arrivals)
    app.add_exception_handler(PaymentsError, api.on_payments_error)
    app.add_exception_handler(RequestValidationError, api.on_invalid_request)
    app.add_exception_handler(HTTPException, api.on_http_error)
    app.add_exception_handler(Exception, api.on_unexpected_error)
    return app
