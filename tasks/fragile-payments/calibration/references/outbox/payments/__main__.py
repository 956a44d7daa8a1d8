"""`python -m payments` starts the service."""

from __future__ import annotations

import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from payments.app import create_app
from payments.config import Settings
from payments.logs import configure_logging


class Server(uvicorn.Server):
    """Notes when it was asked to leave."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no new payments; uvicorn waits for the requests that are being answered."""
        self._app.state.leave_began = time.monotonic()
        service = getattr(self._app.state, "service", None)
        if service is not None:
            service.leaving = True
        super().handle_exit(sig, frame)


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=4,
    )
    Server(config, app).run()


if __name__ == "__main__":
    main()
