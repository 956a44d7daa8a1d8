"""Settings, read from the environment once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything that differs between a laptop and production."""

    host: str = "0.0.0.0"
    port: int = 8000
    data_dir: Path = Path("./data")
    provider_url: str = "http://provider:9100"
    mailer_url: str = "http://mailer:9200"
    log_level: str = "INFO"

    settlement_interval_sec: float = 3.0
    """Seconds between two settlement runs."""

    settlement_batch_size: int = 200
    """Charges per settlement call; the provider takes at most 500."""

    @property
    def database_path(self) -> Path:
        """Where the payments are kept."""
        return self.data_dir / "payments.db"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `env`, or from the process's environment."""
        env = os.environ if env is None else env
        return cls(
            host=env.get("HOST", cls.host),
            port=int(env.get("PORT", cls.port)),
            data_dir=Path(env.get("DATA_DIR", str(cls.data_dir))),
            provider_url=env.get("PROVIDER_URL", cls.provider_url).rstrip("/"),
            mailer_url=env.get("MAILER_URL", cls.mailer_url).rstrip("/"),
            log_level=env.get("LOG_LEVEL", cls.log_level).upper(),
        )
