-- A database as the original leaves it when its machine is lost; written by calibration/stored.py.
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
INSERT INTO "payments" VALUES(1,'pay_7467d94ab1864dd69f65942f','m_bakery',1250,'CHF',1228,'0.9820','captured','ana@example.com','ch_db42ac30175410f4','Order 1001','2026-11-21T09:57:55.258Z','2026-11-21T09:57:58.113Z','ba_db42ac30a03fdb2a');
INSERT INTO "payments" VALUES(2,'pay_302815e12b9f4442a37900fc','m_bakery',90000,'GBP',102753,'1.1417','captured','ana@example.com','ch_db42ac30470b3f17','O''Neill "Café" №2; -- 50%','2026-11-21T09:57:55.348Z','2026-11-21T09:57:58.113Z','ba_db42ac30a03fdb2a');
INSERT INTO "payments" VALUES(3,'pay_69ffd9bf29934b1580fdb532','m_bakery',1,'JPY',1,'0.5649','captured','ana@example.com','ch_db42ac300d803740',NULL,'2026-11-21T09:57:55.430Z','2026-11-21T09:57:58.113Z','ba_db42ac30a03fdb2a');
INSERT INTO "payments" VALUES(4,'pay_dc1509076b5b43d8856a3169','m_bakery',777,'USD',702,'0.9038','declined','ana@example.com',NULL,'Order 1004','2026-11-21T09:57:55.513Z',NULL,NULL);
INSERT INTO "payments" VALUES(5,'pay_66dee67684e6415f905fdd3a','m_books',500000,'USD',451900,'0.9038','captured','ana@example.com','ch_db42ac3083eb5661','xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx','2026-11-21T09:57:55.558Z','2026-11-21T09:57:58.113Z','ba_db42ac30a03fdb2a');
INSERT INTO "payments" VALUES(6,'pay_7c26ddcf5e8242a0a298c10c','m_books',1999,'EUR',1999,'1','captured','ana@example.com','ch_db42ac30b5c6279a','Twice','2026-11-21T09:57:55.820Z','2026-11-21T09:57:58.113Z','ba_db42ac30a03fdb2a');
INSERT INTO "payments" VALUES(7,'pay_72574a66ae354cfca98131c6','m_books',1999,'EUR',1999,'1','captured','ana@example.com','ch_db42ac30db7e4db4','Twice','2026-11-21T09:57:55.882Z','2026-11-21T09:57:58.113Z','ba_db42ac30a03fdb2a');
INSERT INTO "payments" VALUES(8,'pay_79b8affb9d7140baa60a3c2d','m_bakery',333,'CHF',327,'0.9820','captured','ana@example.com','ch_db42ac30f4b3e69a','Late 0','2026-11-21T09:57:59.949Z',NULL,NULL);
INSERT INTO "payments" VALUES(9,'pay_3a66229918064943b0f7f937','m_bakery',334,'CHF',328,'0.9820','captured','ana@example.com','ch_db42ac30dd7ae3f2','Late 1','2026-11-21T09:58:00.039Z',NULL,NULL);
INSERT INTO "payments" VALUES(10,'pay_eb5053e4266347fc812af2cb','m_bakery',335,'CHF',329,'0.9820','captured','ana@example.com','ch_db42ac30dd03b9a3','Late 2','2026-11-21T09:58:00.139Z',NULL,NULL);
INSERT INTO "payments" VALUES(11,'pay_68a1cbca9c2543359ee3a50a','m_books',4999,'GBP',5707,'1.1417','captured','ana@example.com','ch_db42ac30d46c9d43','Late','2026-11-21T09:58:00.221Z',NULL,NULL);
INSERT INTO "payments" VALUES(12,'pay_8b1e30f75dc146fda81165ff','m_books',2500,'EUR',2500,'1','captured','ana@example.com','ch_db42ac3047ae7f64',NULL,'2026-11-21T09:58:00.278Z',NULL,NULL);
CREATE TABLE refunds (
    id                 TEXT PRIMARY KEY,
    payment_id         TEXT NOT NULL REFERENCES payments (id),
    amount             INTEGER NOT NULL,
    amount_eur         INTEGER NOT NULL,
    provider_refund_id TEXT NOT NULL,
    created_at         TEXT NOT NULL
);
INSERT INTO "refunds" VALUES('ref_ba0c82e1d5924e74a8b64e5d','pay_7467d94ab1864dd69f65942f',250,246,'re_db42ac30c0fcb993','2026-11-21T09:57:55.608Z');
INSERT INTO "refunds" VALUES('ref_5a143688281f41ac8970c126','pay_7467d94ab1864dd69f65942f',1000,982,'re_db42ac30e5075617','2026-11-21T09:57:55.651Z');
INSERT INTO "refunds" VALUES('ref_aab42376d6544968b7cf3b4d','pay_302815e12b9f4442a37900fc',30001,34252,'re_db42ac309d5e0e0c','2026-11-21T09:57:55.694Z');
INSERT INTO "refunds" VALUES('ref_0901af532c49487d87a86b56','pay_302815e12b9f4442a37900fc',20000,22834,'re_db42ac30b3b35d29','2026-11-21T09:57:55.767Z');
INSERT INTO "refunds" VALUES('ref_3846c873225a4df7a10f4e7a','pay_8b1e30f75dc146fda81165ff',500,500,'re_db42ac30fbe41c43','2026-11-21T09:58:00.337Z');
CREATE TABLE replies (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created_at  TEXT NOT NULL
);
INSERT INTO "replies" VALUES('bread-1','pay_7467d94ab1864dd69f65942f',201,'{"id": "pay_7467d94ab1864dd69f65942f", "status": "captured", "merchant_id": "m_bakery", "amount": 1250, "currency": "CHF", "amount_eur": 1228, "rate": "0.9820", "provider_charge_id": "ch_db42ac30175410f4", "description": "Order 1001", "created_at": "2026-11-21T09:57:55.258Z"}','2026-11-21T09:57:55.265Z');
INSERT INTO "replies" VALUES('bread-2','pay_302815e12b9f4442a37900fc',201,'{"id": "pay_302815e12b9f4442a37900fc", "status": "captured", "merchant_id": "m_bakery", "amount": 90000, "currency": "GBP", "amount_eur": 102753, "rate": "1.1417", "provider_charge_id": "ch_db42ac30470b3f17", "description": "O''Neill \"Caf\u00e9\" \u21162; -- 50%", "created_at": "2026-11-21T09:57:55.348Z"}','2026-11-21T09:57:55.351Z');
INSERT INTO "replies" VALUES('bread-3','pay_69ffd9bf29934b1580fdb532',201,'{"id": "pay_69ffd9bf29934b1580fdb532", "status": "captured", "merchant_id": "m_bakery", "amount": 1, "currency": "JPY", "amount_eur": 1, "rate": "0.5649", "provider_charge_id": "ch_db42ac300d803740", "description": null, "created_at": "2026-11-21T09:57:55.430Z"}','2026-11-21T09:57:55.435Z');
INSERT INTO "replies" VALUES('bread-4','pay_dc1509076b5b43d8856a3169',402,'{"id": "pay_dc1509076b5b43d8856a3169", "status": "declined", "merchant_id": "m_bakery", "amount": 777, "currency": "USD", "amount_eur": 702, "rate": "0.9038", "provider_charge_id": null, "description": "Order 1004", "created_at": "2026-11-21T09:57:55.513Z"}','2026-11-21T09:57:55.518Z');
INSERT INTO "replies" VALUES('book-1 a/b?c','pay_66dee67684e6415f905fdd3a',201,'{"id": "pay_66dee67684e6415f905fdd3a", "status": "captured", "merchant_id": "m_books", "amount": 500000, "currency": "USD", "amount_eur": 451900, "rate": "0.9038", "provider_charge_id": "ch_db42ac3083eb5661", "description": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "created_at": "2026-11-21T09:57:55.558Z"}','2026-11-21T09:57:55.561Z');
INSERT INTO "replies" VALUES('book-2','pay_72574a66ae354cfca98131c6',201,'{"id": "pay_72574a66ae354cfca98131c6", "status": "captured", "merchant_id": "m_books", "amount": 1999, "currency": "EUR", "amount_eur": 1999, "rate": "1", "provider_charge_id": "ch_db42ac30db7e4db4", "description": "Twice", "created_at": "2026-11-21T09:57:55.882Z"}','2026-11-21T09:57:55.891Z');
INSERT INTO "replies" VALUES('bread-5','pay_79b8affb9d7140baa60a3c2d',201,'{"id": "pay_79b8affb9d7140baa60a3c2d", "status": "captured", "merchant_id": "m_bakery", "amount": 333, "currency": "CHF", "amount_eur": 327, "rate": "0.9820", "provider_charge_id": "ch_db42ac30f4b3e69a", "description": "Late 0", "created_at": "2026-11-21T09:57:59.949Z"}','2026-11-21T09:57:59.955Z');
INSERT INTO "replies" VALUES('bread-6','pay_3a66229918064943b0f7f937',201,'{"id": "pay_3a66229918064943b0f7f937", "status": "captured", "merchant_id": "m_bakery", "amount": 334, "currency": "CHF", "amount_eur": 328, "rate": "0.9820", "provider_charge_id": "ch_db42ac30dd7ae3f2", "description": "Late 1", "created_at": "2026-11-21T09:58:00.039Z"}','2026-11-21T09:58:00.051Z');
INSERT INTO "replies" VALUES('bread-7','pay_eb5053e4266347fc812af2cb',201,'{"id": "pay_eb5053e4266347fc812af2cb", "status": "captured", "merchant_id": "m_bakery", "amount": 335, "currency": "CHF", "amount_eur": 329, "rate": "0.9820", "provider_charge_id": "ch_db42ac30dd03b9a3", "description": "Late 2", "created_at": "2026-11-21T09:58:00.139Z"}','2026-11-21T09:58:00.150Z');
INSERT INTO "replies" VALUES('book-3','pay_68a1cbca9c2543359ee3a50a',201,'{"id": "pay_68a1cbca9c2543359ee3a50a", "status": "captured", "merchant_id": "m_books", "amount": 4999, "currency": "GBP", "amount_eur": 5707, "rate": "1.1417", "provider_charge_id": "ch_db42ac30d46c9d43", "description": "Late", "created_at": "2026-11-21T09:58:00.221Z"}','2026-11-21T09:58:00.227Z');
INSERT INTO "replies" VALUES('book-4','pay_8b1e30f75dc146fda81165ff',201,'{"id": "pay_8b1e30f75dc146fda81165ff", "status": "captured", "merchant_id": "m_books", "amount": 2500, "currency": "EUR", "amount_eur": 2500, "rate": "1", "provider_charge_id": "ch_db42ac3047ae7f64", "description": null, "created_at": "2026-11-21T09:58:00.278Z"}','2026-11-21T09:58:00.284Z');
CREATE INDEX payments_by_merchant ON payments (merchant_id, seq);
CREATE INDEX payments_by_charge ON payments (provider_charge_id);
CREATE INDEX refunds_by_payment ON refunds (payment_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('payments',12);
COMMIT;
