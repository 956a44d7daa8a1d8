// Payments, refunds and receipts in SQLite.
//
// Writes that happen at the same moment share one transaction, and thereby one fsync: `write`
// resolves when its work is on disk. Reads are immediate.

import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { toEur } from './money.js';
import { sleep, utcNow } from './util.js';

// As the version before 1.15 made it; that version can still work with a database of ours.
const BASE = `
CREATE TABLE IF NOT EXISTS payments (
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
CREATE INDEX IF NOT EXISTS payments_by_merchant ON payments (merchant_id, seq);
CREATE INDEX IF NOT EXISTS payments_by_charge ON payments (provider_charge_id);
CREATE TABLE IF NOT EXISTS replies (
    key         TEXT PRIMARY KEY,
    payment_id  TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created_at  TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
    id                 TEXT PRIMARY KEY,
    payment_id         TEXT NOT NULL REFERENCES payments (id),
    amount             INTEGER NOT NULL,
    amount_eur         INTEGER NOT NULL,
    provider_refund_id TEXT NOT NULL,
    created_at         TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_by_payment ON refunds (payment_id);
`;

const V1 = `
ALTER TABLE payments ADD COLUMN idempotency_key TEXT;
ALTER TABLE payments ADD COLUMN fingerprint TEXT;         -- of the request, salted with the id
ALTER TABLE payments ADD COLUMN card_token TEXT;          -- only while pending
ALTER TABLE payments ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN first_sent_at INTEGER;    -- ms since 1970
ALTER TABLE payments ADD COLUMN accepted_at TEXT;         -- when the shop was told 202
ALTER TABLE payments ADD COLUMN undecided_since INTEGER;  -- failed, but a charge may turn up
ALTER TABLE payments ADD COLUMN settlement_refused INTEGER;
ALTER TABLE payments ADD COLUMN receipt TEXT;             -- due, sending, sent, unknown
ALTER TABLE payments ADD COLUMN receipt_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN receipt_tries INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX payments_by_key ON payments (idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX payments_pending ON payments (seq) WHERE status = 'pending';
CREATE INDEX payments_undecided ON payments (seq) WHERE undecided_since IS NOT NULL;
CREATE INDEX payments_unsettled ON payments (seq)
    WHERE status = 'captured' AND settled_at IS NULL;
CREATE INDEX payments_receipts ON payments (receipt, receipt_after)
    WHERE receipt IN ('due', 'sending');

-- Refunds under way, and those that were done after their shop had been told 50x.
CREATE TABLE refund_intents (
    id         TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES payments (id),
    amount     INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX refund_intents_by_payment ON refund_intents (payment_id);

-- Kept by triggers, so that a balance is one look-up and cannot be forgotten by anybody.
CREATE TABLE merchant_totals (
    merchant_id  TEXT PRIMARY KEY,
    captured_eur INTEGER NOT NULL,
    refunded_eur INTEGER NOT NULL,
    settled_eur  INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO merchant_totals
    SELECT merchant_id, SUM(amount_eur), 0, SUM(IIF(settled_at IS NULL, 0, amount_eur))
    FROM payments WHERE status = 'captured' GROUP BY merchant_id;
UPDATE merchant_totals SET refunded_eur = refunded FROM (
    SELECT p.merchant_id AS merchant, SUM(r.amount_eur) AS refunded
    FROM refunds r JOIN payments p ON p.id = r.payment_id GROUP BY p.merchant_id
) WHERE merchant_id = merchant;
CREATE TRIGGER totals_new_payment AFTER INSERT ON payments WHEN NEW.status = 'captured' BEGIN
    INSERT INTO merchant_totals VALUES
        (NEW.merchant_id, NEW.amount_eur, 0, IIF(NEW.settled_at IS NULL, 0, NEW.amount_eur))
    ON CONFLICT DO UPDATE SET captured_eur = captured_eur + excluded.captured_eur,
        settled_eur = settled_eur + excluded.settled_eur;
END;
CREATE TRIGGER totals_captured AFTER UPDATE OF status ON payments
WHEN NEW.status = 'captured' AND OLD.status <> 'captured' BEGIN
    INSERT INTO merchant_totals VALUES (NEW.merchant_id, NEW.amount_eur, 0, 0)
    ON CONFLICT DO UPDATE SET captured_eur = captured_eur + excluded.captured_eur;
END;
CREATE TRIGGER totals_settled AFTER UPDATE OF settled_at ON payments
WHEN NEW.status = 'captured' AND NEW.settled_at IS NOT NULL AND OLD.settled_at IS NULL BEGIN
    UPDATE merchant_totals SET settled_eur = settled_eur + NEW.amount_eur
    WHERE merchant_id = NEW.merchant_id;
END;
CREATE TRIGGER totals_refunded AFTER INSERT ON refunds BEGIN
    UPDATE merchant_totals SET refunded_eur = refunded_eur + NEW.amount_eur
    WHERE merchant_id = (SELECT merchant_id FROM payments WHERE id = NEW.payment_id);
END;
`;

export class Store {
  #db;
  #statements = new Map();
  #queue = [];
  #scheduled = false;
  #tokensCleared = false;
  #sweeper;

  constructor(dataDir) {
    fs.mkdirSync(dataDir, { recursive: true });
    this.#db = new DatabaseSync(path.join(dataDir, 'payments.db'), { timeout: 2000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
    this.#migrate();
    // From now on a wait blocks everything, so leave it to the retry of #flush.
    this.#db.exec('PRAGMA busy_timeout = 50');
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#sweeper = setInterval(() => this.#sweep(), 1000);
    this.#sweeper.unref();
  }

  #migrate() {
    this.#db.exec('BEGIN IMMEDIATE');
    this.#db.exec(BASE);
    if (this.#one('PRAGMA user_version').user_version < 1) {
      this.#db.exec(V1);
      this.#db.exec('PRAGMA user_version = 1');
    }
    this.#db.exec('COMMIT');
  }

  /** The write-ahead log still has what was overwritten: cut it after card tokens have gone. */
  #sweep() {
    if (!this.#tokensCleared) return;
    try {
      this.#tokensCleared = this.#one('PRAGMA wal_checkpoint(TRUNCATE)').busy !== 0;
    } catch {
      // Somebody reads at this moment; next time.
    }
  }

  close() {
    clearInterval(this.#sweeper);
    if (this.#queue.length > 0) this.#flush();
    this.#db.close();
  }

  /** Throws if the file cannot be read. */
  ping() {
    this.#one('SELECT 1 FROM payments LIMIT 1');
  }

  // -- transactions ------------------------------------------------------------

  #prepare(sql) {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  #one(sql, ...values) {
    return this.#prepare(sql).get(...values);
  }

  #all(sql, ...values) {
    return this.#prepare(sql).all(...values);
  }

  #run(sql, ...values) {
    return this.#prepare(sql).run(...values).changes;
  }

  /** Run `work` in a transaction; resolves to its result once that is on disk. */
  #write(work) {
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, resolve, reject, tries: 0 });
      this.#schedule(0);
    });
  }

  #schedule(ms) {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const flush = () => {
      this.#scheduled = false;
      this.#flush();
    };
    if (ms > 0) setTimeout(flush, ms);
    else setImmediate(flush);
  }

  #flush() {
    const batch = this.#queue.splice(0);
    try {
      this.#transaction(batch);
    } catch (error) {
      if (error.errcode === 5 || error.errcode === 6) {
        // Locked by somebody else. They should only read; give them 2 s.
        const again = batch.filter((item) => (item.tries += 1) <= 20);
        for (const item of batch) if (!again.includes(item)) item.reject(error);
        this.#queue.unshift(...again);
        if (this.#queue.length > 0) this.#schedule(50);
      } else if (batch.length === 1) {
        batch[0].reject(error);
      } else {
        // One of them is to blame; the others shall not suffer.
        for (const item of batch) {
          try {
            this.#transaction([item]);
          } catch (own) {
            item.reject(own);
          }
        }
      }
    }
  }

  #transaction(batch) {
    this.#db.exec('BEGIN IMMEDIATE');
    let results;
    try {
      results = batch.map((item) => item.work());
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
    batch.forEach((item, n) => item.resolve(results[n]));
  }

  /** For what must be written because it has happened: try until it is. */
  async #writeSurely(work) {
    for (let wait = 100; ; wait = Math.min(2000, wait * 2)) {
      try {
        return await this.#write(work);
      } catch (error) {
        this.onTrouble?.(error);
        await sleep(wait);
      }
    }
  }

  // -- payments ----------------------------------------------------------------

  getPayment(id) {
    return this.#one('SELECT * FROM payments WHERE id = ?', id);
  }

  /** The payment that this key names, or undefined. */
  findByKey(key) {
    return (
      this.#one('SELECT * FROM payments WHERE idempotency_key = ?', key) ??
      // Taken before 1.15.
      this.#one(
        'SELECT p.* FROM replies r JOIN payments p ON p.id = r.payment_id WHERE r.key = ?',
        key,
      )
    );
  }

  /** At most `limit` payments, newest first, from the one before this `seq` on. */
  listPayments(merchantId, before, limit) {
    const seq = before ?? Number.MAX_SAFE_INTEGER;
    return merchantId === undefined
      ? this.#all('SELECT * FROM payments WHERE seq < ? ORDER BY seq DESC LIMIT ?', seq, limit)
      : this.#all(
          'SELECT * FROM payments WHERE merchant_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
          merchantId, seq, limit,
        );
  }

  pendingPayments() {
    return this.#all("SELECT * FROM payments WHERE status = 'pending' ORDER BY seq");
  }

  undecidedPayments() {
    return this.#all('SELECT * FROM payments WHERE undecided_since IS NOT NULL ORDER BY seq LIMIT 50');
  }

  /** Note that a payment is about to be sent for the first time (again, if it had failed). */
  beginPayment(p) {
    return this.#write(() =>
      this.#run(
        `INSERT INTO payments (id, merchant_id, amount, currency, amount_eur, rate, status,
             customer_email, description, created_at, idempotency_key, fingerprint, card_token,
             attempts, first_sent_at)
         VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, 1, ?)
         ON CONFLICT (id) DO UPDATE SET status = 'pending', amount_eur = excluded.amount_eur,
             rate = excluded.rate, card_token = excluded.card_token, attempts = 1,
             first_sent_at = IIF(undecided_since IS NULL, excluded.first_sent_at, first_sent_at),
             undecided_since = NULL`,
        p.id, p.merchant_id, p.amount, p.currency, p.amount_eur, p.rate, p.customer_email,
        p.description, p.created_at, p.idempotency_key, p.fingerprint, p.card_token, Date.now(),
      ),
    );
  }

  noteAttempts(id, attempts) {
    return this.#write(() => this.#run('UPDATE payments SET attempts = ? WHERE id = ?', attempts, id));
  }

  noteAccepted(id, at) {
    return this.#write(() =>
      this.#run('UPDATE payments SET accepted_at = ? WHERE id = ?', at, id),
    );
  }

  /** Book an outcome. `reply` is {status, body}; the version before 1.15 looks for it by key. */
  finishPayment(p, { status, chargeId = null, undecided = false }, reply) {
    return this.#writeSurely(() => {
      const changed = this.#run(
        `UPDATE payments SET status = ?, provider_charge_id = ?, card_token = NULL,
             undecided_since = ?, receipt = ?
         WHERE id = ? AND status IN ('pending', 'failed')`,
        status, chargeId, undecided ? Date.now() : null, status === 'captured' ? 'due' : null, p.id,
      );
      this.#tokensCleared = true;
      if (changed && reply && p.idempotency_key !== null) {
        this.#run(
          'INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)',
          p.idempotency_key, p.id, reply.status, JSON.stringify(reply.body), utcNow(),
        );
      }
    });
  }

  /** A failed payment turned out to have no charge. */
  decided(id) {
    return this.#writeSurely(() =>
      this.#run('UPDATE payments SET undecided_since = NULL WHERE id = ?', id),
    );
  }

  // -- refunds -----------------------------------------------------------------

  /**
   * Set money aside for a refund. Resolves to the intent, or to {left} if too little is left.
   * Refunds under way count as given back.
   */
  openRefund(id, payment, amount) {
    return this.#write(() => {
      const left = payment.amount - this.#refunded(payment.id) - this.#one(
        `SELECT COALESCE(SUM(amount), 0) AS total FROM refund_intents i
         WHERE payment_id = ? AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.id = i.id)`,
        payment.id,
      ).total;
      if (amount > left) return { left };
      const intent = { id, payment_id: payment.id, amount, created_ms: Date.now() };
      this.#run(
        'INSERT INTO refund_intents VALUES (?, ?, ?, ?)',
        intent.id, intent.payment_id, intent.amount, intent.created_ms,
      );
      return { intent };
    });
  }

  /** Refunds of this amount that no shop has been told the result of. */
  untoldRefunds(paymentId, amount) {
    return this.#all(
      'SELECT * FROM refund_intents WHERE payment_id = ? AND amount = ? ORDER BY created_ms, id',
      paymentId, amount,
    );
  }

  openRefunds() {
    return this.#all(
      `SELECT * FROM refund_intents i
       WHERE NOT EXISTS (SELECT 1 FROM refunds r WHERE r.id = i.id) ORDER BY created_ms`,
    );
  }

  getRefund(id) {
    return this.#one('SELECT * FROM refunds WHERE id = ?', id);
  }

  bookRefund(intent, providerRefundId) {
    return this.#writeSurely(() => {
      const { rate } = this.getPayment(intent.payment_id);
      const before = this.#refunded(intent.payment_id);
      // Taken from the running total, so that parts add up to the whole in EUR too.
      const amountEur = toEur(before + intent.amount, rate) - toEur(before, rate);
      this.#run(
        'INSERT OR IGNORE INTO refunds VALUES (?, ?, ?, ?, ?, ?)',
        intent.id, intent.payment_id, intent.amount, amountEur, providerRefundId, utcNow(),
      );
    });
  }

  /** The shop knows how it ended, or nothing was given back. */
  closeRefund(id) {
    return this.#writeSurely(() => this.#run('DELETE FROM refund_intents WHERE id = ?', id));
  }

  #refunded(paymentId) {
    return this.#one(
      'SELECT COALESCE(SUM(amount), 0) AS total FROM refunds WHERE payment_id = ?', paymentId,
    ).total;
  }

  // -- settlement and totals ---------------------------------------------------

  /** Captured payments that wait to be paid out, oldest first. */
  unsettled(afterSeq, limit) {
    return this.#all(
      `SELECT seq, id, provider_charge_id FROM payments
       WHERE status = 'captured' AND settled_at IS NULL AND settlement_refused IS NULL
         AND provider_charge_id IS NOT NULL AND seq > ?
       ORDER BY seq LIMIT ?`,
      afterSeq, limit,
    );
  }

  markSettled(ids, batchId) {
    const at = utcNow();
    return this.#writeSurely(() => {
      for (const id of ids) {
        this.#run(
          `UPDATE payments SET settled_at = ?, settlement_batch = ?
           WHERE id = ? AND settled_at IS NULL`,
          at, batchId, id,
        );
      }
    });
  }

  refuseSettlement(id) {
    return this.#writeSurely(() =>
      this.#run('UPDATE payments SET settlement_refused = 1 WHERE id = ?', id),
    );
  }

  /** Charges that the provider would not pay out get another chance. */
  forgetRefusedSettlements() {
    return this.#write(() =>
      this.#run(
        `UPDATE payments SET settlement_refused = NULL
         WHERE status = 'captured' AND settled_at IS NULL AND settlement_refused IS NOT NULL`,
      ),
    );
  }

  /** A merchant's totals; all zero if it has no payments. */
  balance(merchantId) {
    const totals = this.#one('SELECT * FROM merchant_totals WHERE merchant_id = ?', merchantId);
    return {
      merchant_id: merchantId,
      captured_eur: totals?.captured_eur ?? 0,
      refunded_eur: totals?.refunded_eur ?? 0,
      settled_eur: totals?.settled_eur ?? 0,
    };
  }

  // -- receipts ----------------------------------------------------------------

  dueReceipts(limit) {
    return this.#all(
      `SELECT * FROM payments WHERE receipt = 'due' AND receipt_after <= ?
       ORDER BY receipt_after, seq LIMIT ?`,
      Date.now(), limit,
    );
  }

  sendingReceipts() {
    return this.#all("SELECT id FROM payments WHERE receipt = 'sending'");
  }

  noteReceipts(ids, receipt) {
    return this.#write(() => {
      for (const id of ids) this.#run('UPDATE payments SET receipt = ? WHERE id = ?', receipt, id);
    });
  }

  finishReceipt(id, receipt) {
    return this.#writeSurely(() =>
      this.#run('UPDATE payments SET receipt = ? WHERE id = ?', receipt, id),
    );
  }

  delayReceipt(id, tries, waitMs) {
    return this.#writeSurely(() =>
      this.#run(
        "UPDATE payments SET receipt = 'due', receipt_tries = ?, receipt_after = ? WHERE id = ?",
        tries, Date.now() + waitMs, id,
      ),
    );
  }
}
