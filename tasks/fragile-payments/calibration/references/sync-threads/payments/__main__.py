"""`python -m payments` starts the service."""

from __future__ import annotations

import signal
import sys

import uvicorn

from payments.app import create_app
from payments.config import Settings
from payments.logs import configure_logging


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    # uvicorn stops gently at SIGTERM and then raises it again; for us it is a normal end.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(0))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        # Requests under way get their answers; none takes longer than 3 seconds. Together with
        # `drain_sec` this has to stay well below the platform's 10 seconds.
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
