BEGIN TRANSACTION;
CREATE TABLE payments (
    seq                INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    merchant_id        TEXT NOT NULL,
    amount             INTEGER NOT NULL,
    currency           TEXT NOT NULL,
    amount_eur         INTEGER NOT NULL,
    rate               TEXT NOT NULL,
    status             TEXT NOT NULL,
    customer_email     TEXT NOT NULL,
    provider_charge_id TEXT,
    description        TEXT,
    created_at         TEXT NOT NULL,
    settled_at         TEXT,
    settlement_batch   TEXT
);
INSERT INTO "payments" VALUES(1,'pay_old','m_bakery',1250,'CHF',1302,'1.0417','captured','ana@example.com','ch_old','Order 1001','2026-09-14T17:03:22.418Z',NULL,NULL);
CREATE TABLE refunds (
    id                 TEXT PRIMARY KEY,
    payment_id         TEXT NOT NULL REFERENCES payments (id),
    amount             INTEGER NOT NULL,
    amount_eur         INTEGER NOT NULL,
    provider_refund_id TEXT NOT NULL,
    created_at         TEXT NOT NULL
);
CREATE TABLE replies (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created_at  TEXT NOT NULL
);
INSERT INTO "replies" VALUES('old','pay_old',201,'{"id": "pay_old", "status": "captured", "merchant_id": "m_bakery", "amount": 1250, "currency": "CHF", "amount_eur": 1302, "rate": "1.0417", "provider_charge_id": "ch_old", "description": "Order 1001", "created_at": "2026-09-14T17:03:22.418Z"}','2026-11-21T09:09:22.807Z');
CREATE INDEX payments_by_merchant ON payments (merchant_id, seq);
CREATE INDEX payments_by_charge ON payments (provider_charge_id);
CREATE INDEX refunds_by_payment ON refunds (payment_id);
COMMIT;
