// Takes payments: one key, one payment, one charge.

import { createHash } from 'node:crypto';

import { Charging } from './charging.js';
import { ApiError, invalid, refused, timedOut, unavailable } from './errors.js';
import { logger } from './log.js';
import { toEur } from './money.js';
import { newId, now, sleep, utcNow, within } from './util.js';

const log = logger('payments');

/** A shop has its answer after this time, counted from its request. The promise is 3 s. */
const REPLY_AFTER = 2500;
/** And a payment its outcome after this time. The promise is 15 s after the answer. */
const FINAL_AFTER = 13500;
const RATE_WAIT = 1400;
const QUEUE_WAIT = 450;
const RECONCILE_EVERY = 5000;
/** An empty look-up this long after the last call means that there is no charge. */
const CERTAIN_AFTER = 60000;

/** A payment as the API shows it. */
export const paymentJson = (row) => ({
  id: row.id,
  status: row.status,
  merchant_id: row.merchant_id,
  amount: row.amount,
  currency: row.currency,
  amount_eur: row.amount_eur,
  rate: row.rate,
  provider_charge_id: row.provider_charge_id,
  description: row.description,
  created_at: row.created_at,
});

const REPLY_STATUS = { captured: 201, declined: 402, pending: 202, failed: 202 };
const reply = (row) => ({ status: REPLY_STATUS[row.status], body: paymentJson(row) });

/** Tells requests apart without keeping the card; the id is the salt. */
function fingerprint(id, request) {
  const fields = [
    request.merchant_id, request.amount, request.currency,
    request.card_token, request.customer_email, request.description,
  ];
  return createHash('sha256').update(JSON.stringify([id, ...fields])).digest('hex');
}

function isSameRequest(row, request) {
  if (row.fingerprint) return row.fingerprint === fingerprint(row.id, request);
  // Taken before 1.15, when nothing was kept to compare the card with.
  return ['merchant_id', 'amount', 'currency', 'customer_email', 'description'].every(
    (field) => row[field] === request[field],
  );
}

/** A payment that is under way, and all requests that ask for it. */
class Active {
  constructor(row) {
    this.row = row;
    this.begun = false; // whether it has been, or is about to be, sent
    this.abandoned = false; // whether the shop was told 504 before that
    this.accepting = null; // set once the shop is told 202
    this.delayed = new Promise((resolve) => {
      this.delay = resolve;
    });
  }
}

export class Payments {
  #store;
  #rates;
  #limiter;
  #parts;
  #active = new Map();
  #reconciler;

  constructor({ store, provider, rates, limiter, budget, onCaptured }) {
    this.#store = store;
    this.#rates = rates;
    this.#limiter = limiter;
    this.#parts = { store, provider, limiter, budget };
    this.onCaptured = onCaptured;
    this.draining = false;
  }

  // -- what shops ask for ------------------------------------------------------

  /** Charge the customer's card, or tell again how that went. Resolves to {status, body}. */
  async take(key, request, arrivedAt) {
    let active = this.#active.get(key);
    const known = active ? active.row : this.#store.findByKey(key);
    if (known && !isSameRequest(known, request)) {
      throw invalid('this Idempotency-Key was used for a payment with a different body');
    }
    if (!active) {
      // `failed` is final once a shop was told 202; after a 50x it may come back and try again.
      if (known && (known.status !== 'failed' || known.accepted_at)) return reply(known);
      if (this.draining) throw unavailable('restarting, please come back');
      active = this.#start(key, request, known, arrivedAt);
    }
    return this.#answer(active, arrivedAt + REPLY_AFTER);
  }

  async #answer(active, replyBy) {
    const told = await within(
      Promise.race([active.done, active.accepting ?? active.delayed]),
      replyBy - now(),
    );
    if (told) return told;
    if (!active.begun) {
      active.abandoned = true;
      throw timedOut('the payment could not be completed now');
    }
    // From here on the payment is ours to see to, and `failed` would be final.
    active.accepting ??= this.#accept(active);
    return active.accepting;
  }

  async #accept(active) {
    const { row } = active;
    row.accepted_at ??= utcNow();
    await this.#store.noteAccepted(row.id, row.accepted_at);
    return reply(row);
  }

  // -- one payment -------------------------------------------------------------

  #start(key, request, known, arrivedAt) {
    const id = known?.id ?? newId('pay');
    const row = {
      id,
      ...request,
      status: 'pending',
      amount_eur: null,
      rate: null,
      provider_charge_id: null,
      created_at: known?.created_at ?? utcNow(),
      idempotency_key: key,
      fingerprint: fingerprint(id, request),
      accepted_at: null,
      first_sent_at: known?.undecided_since ? known.first_sent_at : Date.now(),
    };
    const active = new Active(row);
    const unknown = Boolean(known?.undecided_since);
    return this.#track(active, async () => {
      const { value } = await this.#rates.get(row.currency, RATE_WAIT);
      const release = await this.#limiter.enter(QUEUE_WAIT);
      if (!release) throw unavailable('too busy, please come back');
      try {
        if (active.abandoned) throw timedOut('the payment could not be completed now');
        const rate = this.#rates.fresh(row.currency) ?? value;
        Object.assign(row, { rate, amount_eur: toEur(row.amount, rate) });
        active.begun = true;
        await this.#store.beginPayment(row);
      } catch (error) {
        release();
        active.begun = false;
        throw error instanceof ApiError ? error : unavailable('our books are not available');
      }
      log.info(`payment ${row.id} of ${row.merchant_id} is under way`);
      return { release, unknown, attempts: 0, finalBy: arrivedAt + FINAL_AFTER, arrivedAt };
    });
  }

  /** Go on with what an earlier process has left. */
  recover() {
    for (const row of this.#store.pendingPayments()) {
      log.info(`payment ${row.id} of ${row.merchant_id} was under way, going on with it`);
      const active = new Active(row);
      active.begun = true;
      this.#track(active, async () => {
        const release = await this.#limiter.enter(60000);
        const since = Date.now() - Date.parse(row.accepted_at ?? row.created_at);
        const finalBy = now() + Math.max(5000, FINAL_AFTER - Math.max(0, since));
        return { release, unknown: true, attempts: row.attempts, finalBy, arrivedAt: -Infinity };
      });
    }
    this.#reconciler = setInterval(() => this.#reconcile(), RECONCILE_EVERY);
  }

  #track(active, prepare) {
    const key = active.row.idempotency_key;
    this.#active.set(key, active);
    active.done = this.#pursue(active, prepare).finally(() => this.#active.delete(key));
    active.done.catch(() => {}); // each request handles it for itself
    return active;
  }

  async #pursue(active, prepare) {
    const { row } = active;
    const { release, unknown, attempts, finalBy, arrivedAt } = await prepare();
    const charging = new Charging(this.#parts, row, {
      attempts,
      unknown,
      finalBy,
      // No use in keeping a customer waiting for something that is further away.
      onDelay: (at) => at > arrivedAt + REPLY_AFTER - 300 && active.delay(),
    });
    const outcome = await charging.run(release ?? undefined);
    return this.#book(active, outcome);
  }

  async #book(active, outcome) {
    const { row } = active;
    const status = { captured: 'captured', declined: 'declined' }[outcome.kind] ?? 'failed';
    const undecided = outcome.kind === 'undecided';
    const booked = { ...row, status, provider_charge_id: outcome.chargeId ?? null };
    const final = reply(booked);
    await this.#store.finishPayment(
      row,
      { status, chargeId: outcome.chargeId, undecided },
      status === 'failed' ? null : final,
    );
    Object.assign(row, booked);
    log.info(`payment ${row.id} of ${row.merchant_id} is ${status}`);
    if (undecided) {
      log.error(`payment ${row.id}: the provider has not told whether it was charged; asking on`);
    }
    if (status === 'captured') this.onCaptured();
    if (status !== 'failed' || row.accepted_at) return final;
    if (outcome.kind === 'refused') throw refused('the provider refused the payment');
    if (undecided) throw timedOut('the payment could not be completed now');
    throw unavailable('the payment could not be completed now');
  }

  // -- failed payments that may have been charged after all ---------------------

  #reconciling = false;

  async #reconcile() {
    if (this.#reconciling || this.draining) return;
    this.#reconciling = true;
    try {
      for (const row of this.#store.undecidedPayments()) {
        if (this.draining || this.#active.has(row.idempotency_key)) continue;
        const release = await this.#limiter.enter(60000);
        if (!release) break;
        const result = await this.#parts.provider.findCharge(row.id, { timeoutMs: 4000 });
        release();
        if (result.kind === 'found') {
          // The books have to say what happened to the money.
          const booked = { ...row, status: 'captured', provider_charge_id: result.chargeId };
          await this.#store.finishPayment(
            row, { status: 'captured', chargeId: result.chargeId }, reply(booked),
          );
          log.error(`payment ${row.id} of ${row.merchant_id} had failed but was charged: captured`);
          this.onCaptured();
        } else if (result.kind === 'none') {
          if (Date.now() - row.undecided_since > CERTAIN_AFTER) {
            await this.#store.decided(row.id);
            log.info(`payment ${row.id} was not charged`);
          }
        } else {
          break; // not a good moment
        }
      }
    } catch (error) {
      log.error(`looking for charges: ${error.message}`);
    } finally {
      this.#reconciling = false;
    }
  }

  // -- the end -----------------------------------------------------------------

  /** Take nothing new, and finish what is under way, for at most `ms`. */
  async drain(ms) {
    this.draining = true;
    clearInterval(this.#reconciler);
    const end = now() + ms;
    while ((this.#active.size > 0 || this.#reconciling) && now() < end) await sleep(20);
    if (this.#active.size > 0) {
      log.warning(`${this.#active.size} payments are left to the next process`);
    }
  }
}
