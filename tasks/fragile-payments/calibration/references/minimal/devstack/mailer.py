"""Stand-in for the mailer. See docs/mailer.md."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from pydantic import BaseModel, Field


class MessageBody(BaseModel):
    to: str = Field(min_length=3)
    subject: str = Field(min_length=1)
    body: str


def create_mailer(latency_sec: float = 0.0) -> FastAPI:
    """A mailer that keeps what it was given in `app.state.messages`."""
    app = FastAPI(title="devstack mailer", openapi_url=None)
    messages: list[dict[str, str]] = []
    app.state.messages = messages

    @app.post("/messages", status_code=202)
    async def take_message(message: MessageBody) -> dict[str, str]:
        await asyncio.sleep(latency_sec)
        messages.append(message.model_dump())
        return {"status": "accepted"}

    @app.get("/messages")
    async def list_messages() -> dict[str, list[dict[str, str]]]:
        """Only here, not at the mailer: see what was sent."""
        return {"messages": messages}

    return app
