"""`python -m payments` starts the service."""

from __future__ import annotations

import uvicorn

from payments.app import create_app
from payments.config import Settings
from payments.logs import configure_logging


def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
