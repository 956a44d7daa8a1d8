// Gives money back. The money is set aside in our books before the provider is asked, so that all
// refunds together never exceed what was captured, whatever happens in between.
//
// A refund whose shop was told 50x without our knowing how it ended is seen to in the background.
// When the shop comes back with the same amount, that is the one it is told about: shops have no
// key for refunds, and must not give back twice because an answer was lost.

import { conflict, notFound, refused, timedOut, unavailable } from './errors.js';
import { logger } from './log.js';
import { newId, now, sleep, within } from './util.js';

const log = logger('refunds');

const REPLY_AFTER = 2500;
const QUEUE_WAIT = 450;
const MAX_ATTEMPTS = 5;
const CALL_TIMEOUT = 8000;
const BACKOFF = [100, 200, 300, 400];
const KEY_LIFETIME = 23 * 3600 * 1000;

const refundJson = (row) => ({
  id: row.id,
  payment_id: row.payment_id,
  amount: row.amount,
  provider_refund_id: row.provider_refund_id,
});

export class Refunds {
  #store;
  #provider;
  #limiter;
  #budget;
  #active = new Map(); // id → promise of how it ended
  #attended = new Set(); // ids that a request waits for
  #stopping = false;

  constructor({ store, provider, limiter, budget }) {
    this.#store = store;
    this.#provider = provider;
    this.#limiter = limiter;
    this.#budget = budget;
  }

  /**
   * Give back a captured payment, or a part of it. Resolves to the refund; then `answered` wants to
   * hear whether the shop got to know.
   */
  async refund(paymentId, amount, arrivedAt) {
    const payment = this.#store.getPayment(paymentId);
    if (!payment) throw notFound(`no payment ${paymentId}`);
    if (payment.status !== 'captured' || !payment.provider_charge_id) {
      throw conflict(`payment ${paymentId} is ${payment.status}`);
    }
    const replyBy = arrivedAt + REPLY_AFTER;
    const earlier = this.#store
      .untoldRefunds(paymentId, amount)
      .find((intent) => !this.#attended.has(intent.id));
    if (earlier) return this.#await(earlier, payment, replyBy, null);
    if (this.#stopping) throw unavailable('restarting, please come back');

    const release = await this.#limiter.enter(QUEUE_WAIT);
    if (!release) throw unavailable('too busy, please come back');
    const id = newId('ref');
    this.#attended.add(id);
    let opened;
    try {
      opened = await this.#store.openRefund(id, payment, amount);
    } catch {
      opened = { failed: true };
    }
    if (!opened.intent) {
      this.#attended.delete(id);
      release();
      if (opened.failed) throw unavailable('our books are not available');
      throw conflict(`${opened.left} of payment ${paymentId} can be refunded`);
    }
    return this.#await(opened.intent, payment, replyBy, release);
  }

  async answered(refund, reached) {
    if (reached) await this.#store.closeRefund(refund.id);
    this.#attended.delete(refund.id);
  }

  async #await(intent, payment, replyBy, release) {
    this.#attended.add(intent.id);
    try {
      const booked = this.#store.getRefund(intent.id);
      if (booked) return refundJson(booked);
      const end = await within(this.#pursue(intent, payment, release), replyBy - now());
      if (!end) throw timedOut('the refund could not be completed now');
      if (end.kind === 'refunded') return refundJson(this.#store.getRefund(intent.id));
      if (end.kind === 'refused') throw refused('the provider refused the refund');
      throw unavailable('the refund could not be completed now');
    } catch (error) {
      this.#attended.delete(intent.id);
      throw error;
    }
  }

  /** One pursuit per refund at a time. Resolves to {kind: refunded | refused | notNow | unknown}. */
  #pursue(intent, payment, release = null) {
    let active = this.#active.get(intent.id);
    if (!active) {
      active = this.#drive(intent, payment, release).finally(() => this.#active.delete(intent.id));
      this.#active.set(intent.id, active);
      active.catch((error) => log.error(`refund ${intent.id}: ${error.message}`));
    } else {
      release?.();
    }
    return active;
  }

  async #drive(intent, payment, release) {
    // Without a place of its own it is one that was begun before, and may have been carried out.
    let unknown = release === null;
    for (let attempt = 1; ; attempt += 1) {
      if (unknown && Date.now() - intent.created_ms > KEY_LIFETIME) {
        release?.();
        log.error(`refund ${intent.id} of ${intent.payment_id}: unknown, compare with Clearhaven`);
        return { kind: 'unknown' };
      }
      const leave = release ?? this.#limiter.force();
      release = null;
      const result = await this.#provider.refund(
        { chargeId: payment.provider_charge_id, amount: intent.amount, reference: intent.id },
        { timeoutMs: CALL_TIMEOUT },
      );
      leave();
      if (result.kind === 'refunded') {
        this.#budget.success();
        await this.#store.bookRefund(intent, result.refundId);
        log.info(`refund ${intent.id} of payment ${intent.payment_id} of ${payment.merchant_id}`);
        return result;
      }
      log.warning(`refund ${intent.id} of ${intent.payment_id}, attempt ${attempt}: ${result.why}`);
      if (result.kind === 'unknown') unknown = true;
      const over = result.kind === 'refused' || attempt >= MAX_ATTEMPTS || this.#stopping;
      const clean = result.kind === 'refused' || !unknown;
      if (clean && (over || !this.#budget.take() || result.waitMs > 2000)) {
        await this.#store.closeRefund(intent.id);
        return result;
      }
      if (over) return { kind: 'unknown' };
      await sleep(result.waitMs ?? BACKOFF[Math.min(attempt, BACKOFF.length) - 1]);
    }
  }

  /** See to refunds that have no end yet: now, and every now and then. */
  start() {
    const waits = new Map();
    const look = async () => {
      for (const intent of this.#store.openRefunds()) {
        if (this.#stopping) return;
        if (this.#active.has(intent.id)) continue;
        const turn = waits.get(intent.id) ?? { wait: 5000, at: 0 };
        if (now() < turn.at) continue;
        await this.#pursue(intent, this.#store.getPayment(intent.payment_id)).catch(() => {});
        if (!this.#store.getRefund(intent.id)) {
          waits.set(intent.id, { wait: Math.min(300000, turn.wait * 2), at: now() + turn.wait });
        } else waits.delete(intent.id);
      }
    };
    const again = () =>
      look()
        .catch((error) => log.error(`refunds under way: ${error.message}`))
        .finally(() => {
          if (!this.#stopping) setTimeout(again, 2000).unref();
        });
    again();
  }

  async drain(ms) {
    this.#stopping = true;
    const end = now() + ms;
    while (this.#active.size > 0 && now() < end) await sleep(20);
  }
}
