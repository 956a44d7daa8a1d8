// One payment's way to its outcome at the provider.
//
// Every call carries the same Idempotency-Key (the payment's id), so however often it is sent, the
// card is charged once, and asking again is also the way to learn how an earlier call ended. A
// call without an answer is left open for as long as the payment has time, while others look the
// charge up and send it again: whichever tells first decides.

import { logger } from './log.js';
import { now } from './util.js';

const log = logger('charging');

const MAX_ATTEMPTS = 5;
/** How long one call may be silent before we look the charge up; and send it again; and so on. */
const LOOK_AFTER = 2000;
const SEND_AFTER = 4000;
const KEY_LIFETIME = 23 * 3600 * 1000; // the provider's keys live for 24 hours
const BACKOFF = [50, 150, 300, 500];

export class Charging {
  #provider;
  #store;
  #limiter;
  #budget;
  #open = 0;
  #unknown;
  #abort = new AbortController();
  #events = [];
  #wake = () => {};

  /**
   * `payment` is its row, `attempts` how often it was sent before, `unknown` whether one of those
   * may have been carried out. `onDelay(at)` hears when the next step is a while away.
   */
  constructor({ provider, store, limiter, budget }, payment, options) {
    this.#provider = provider;
    this.#store = store;
    this.#limiter = limiter;
    this.#budget = budget;
    this.payment = payment;
    this.attempts = options.attempts;
    this.#unknown = options.unknown;
    this.finalBy = options.finalBy;
    this.onDelay = options.onDelay ?? (() => {});
  }

  /**
   * Resolves to {kind}: captured {chargeId}, declined, refused, notNow, or undecided if there was
   * no telling before `finalBy`. `release` gives back the place of the first call.
   */
  async run(release) {
    const expired = this.#unknown && Date.now() - this.payment.first_sent_at > KEY_LIFETIME;
    const outcome = await this.#drive(release, expired);
    this.#abort.abort();
    this.payment.card_token = null;
    return outcome;
  }

  async #drive(release, expired) {
    // After a restart: has the charge been made already?
    let lookAt = this.#unknown ? now() : Infinity;
    let sendAt = this.#unknown ? now() + LOOK_AFTER : now();
    if (expired) this.attempts = MAX_ATTEMPTS;
    let blips = 0;

    while (now() < this.finalBy) {
      if (this.attempts >= MAX_ATTEMPTS) sendAt = Infinity;
      if (now() >= sendAt) {
        this.#send(release);
        release = undefined;
        lookAt = Math.min(lookAt, now() + LOOK_AFTER);
        sendAt = now() + SEND_AFTER;
      }
      if (now() >= lookAt) {
        release?.();
        release = undefined;
        this.#look();
        lookAt = now() + SEND_AFTER;
      }

      const event = await this.#next(Math.min(sendAt, lookAt, this.finalBy) - now());
      if (!event) continue; // silence
      if (event.unsent) this.attempts -= 1;
      // What may have been charged is followed for as long as there is time: keep some attempts.
      const usual = blips > 2 && this.#uncertain ? 2000 : BACKOFF[Math.min(blips, BACKOFF.length - 1)];
      const pause = event.waitMs ?? usual;
      switch (event.kind) {
        case 'captured':
        case 'declined':
          return event;
        case 'found':
          return { kind: 'captured', chargeId: event.chargeId };
        case 'refused':
          log.error(`charge of ${this.payment.id}: ${event.why}`);
          this.attempts = MAX_ATTEMPTS;
          if (!this.#uncertain) return event;
          lookAt = now();
          break;
        case 'notNow':
          log.warning(`charge of ${this.payment.id}, attempt ${this.attempts}: ${event.why}`);
          blips += 1;
          sendAt = now() + pause;
          if (!this.#uncertain) {
            lookAt = Infinity;
            // Nothing was charged, so giving up is safe.
            const enough = Math.max(this.attempts, blips) >= MAX_ATTEMPTS;
            if (enough || !this.#budget.take()) return event;
            if (sendAt > this.finalBy - 2000) return event;
          } else if (this.attempts >= MAX_ATTEMPTS) {
            lookAt = Math.min(lookAt, now() + pause);
          }
          this.onDelay(sendAt);
          break;
        case 'unknown':
          log.warning(`charge of ${this.payment.id}, attempt ${this.attempts}: ${event.why}`);
          blips += 1;
          this.#unknown = true;
          sendAt = now() + pause;
          lookAt = event.malformed || this.attempts >= MAX_ATTEMPTS ? now() : now() + LOOK_AFTER;
          break;
        case 'none':
          // Not charged yet. A call of ours may still stand in their line, so this does not end it.
          if (this.#open === 0) sendAt = Math.min(sendAt, now());
          if (this.attempts >= MAX_ATTEMPTS) lookAt = now() + 1000;
          break;
        case 'lookFailed':
          if (this.attempts >= MAX_ATTEMPTS) lookAt = now() + Math.max(pause, 500);
          break;
      }
    }
    release?.();
    return { kind: this.#uncertain ? 'undecided' : 'notNow' };
  }

  get #uncertain() {
    return this.#unknown || this.#open > 0;
  }

  async #send(release) {
    const { payment } = this;
    this.attempts += 1;
    this.#open += 1;
    // Only the first call waits in line; the later ones finish what was begun.
    const leave = release ?? this.#limiter.force();
    let result;
    try {
      if (!release) await this.#store.noteAttempts(payment.id, this.attempts);
      result = await this.#provider.charge(
        {
          reference: payment.id,
          amount: payment.amount,
          currency: payment.currency,
          cardToken: payment.card_token,
        },
        { signal: this.#abort.signal, timeoutMs: this.finalBy - now() },
      );
    } catch (error) {
      result = { kind: 'notNow', why: error.code ?? error.name };
    }
    leave();
    this.#open -= 1;
    if (result.kind === 'captured') this.#budget.success();
    this.#push(result);
  }

  async #look() {
    const leave = this.#limiter.force();
    const result = await this.#provider.findCharge(this.payment.id, {
      signal: this.#abort.signal,
      timeoutMs: SEND_AFTER - 500,
    });
    leave();
    const told = result.kind === 'found' || result.kind === 'none';
    this.#push(told ? result : { kind: 'lookFailed', waitMs: result.waitMs });
  }

  #push(event) {
    this.#events.push(event);
    this.#wake();
  }

  /** What happened next, or undefined if nothing did within `ms`. */
  async #next(ms) {
    if (this.#events.length === 0) {
      let timer;
      await new Promise((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, Math.min(Math.max(0, ms), 60000));
      });
      clearTimeout(timer);
    }
    return this.#events.shift();
  }
}
