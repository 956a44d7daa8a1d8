"""`python -m payments` starts the service."""

from __future__ import annotations

import sys

import uvicorn

from payments.app import create_app
from payments.config import Settings
from payments.logs import configure_logging


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    # Some 25 threads share one CPU; the one that answers the shops must not wait 5 ms for it.
    sys.setswitchinterval(0.001)
    # Of the 10 seconds after SIGTERM, open requests get 3; see `app` for the rest.
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
