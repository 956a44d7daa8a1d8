// Exchange rates to EUR. Each look-up is billed, one a second and currency on average; and when
// the provider publishes another rate, we must not use the old one for longer than 5 s. So a rate
// is looked up when somebody wants it, and used for a few seconds from when we asked for it.

import { notFound, unavailable } from './errors.js';
import { logger } from './log.js';
import { now, sleep, utcNow, within } from './util.js';

const log = logger('rates');

export const CURRENCIES = ['EUR', 'USD', 'GBP', 'JPY', 'CHF'];
const BASE_CURRENCY = 'EUR';

const REFRESH_AFTER = 1800;
const USABLE_FOR = 4000; // leaves time for what is done with it
const TIMEOUT = 3500;
const PER_SECOND = 0.8;
const BURST = 2;

class Quote {
  value = null;
  asOf = null;
  askedAt = -Infinity; // when we asked for `value`
  wantedUntil = 0;
  keeping = false;
  notBefore = 0;
  #tokens = BURST;
  #tokensAt = now();
  #waiting = new Set();

  constructor(currency) {
    this.currency = currency;
  }

  get age() {
    return now() - this.askedAt;
  }

  get usable() {
    return this.age <= USABLE_FOR;
  }

  /** Milliseconds until the next look-up is allowed; 0 takes it. */
  takeTurn() {
    const t = now();
    this.#tokens = Math.min(BURST, this.#tokens + ((t - this.#tokensAt) / 1000) * PER_SECOND);
    this.#tokensAt = t;
    if (t < this.notBefore) return this.notBefore - t;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / PER_SECOND) * 1000);
    this.#tokens -= 1;
    return 0;
  }

  changed() {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  wake() {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

export class Rates {
  #provider;
  #limiter;
  #quotes = new Map();

  constructor(provider, limiter) {
    this.#provider = provider;
    this.#limiter = limiter;
    for (const currency of CURRENCIES) this.#quotes.set(currency, new Quote(currency));
  }

  /** The rate at hand, or undefined if there is none that may be used. */
  fresh(currency) {
    if (currency === BASE_CURRENCY) return '1';
    const quote = this.#quotes.get(currency);
    return quote.usable ? quote.value : undefined;
  }

  /** What one minor unit of `currency` is worth in EUR cents: {currency, value, asOf}. */
  async get(currency, maxWaitMs) {
    if (currency === BASE_CURRENCY) return { currency, value: '1', asOf: utcNow() };
    const quote = this.#quotes.get(currency);
    if (!quote) throw notFound(`no rate for ${currency.slice(0, 40)}`);

    const until = now() + maxWaitMs;
    while (true) {
      if (quote.age > REFRESH_AFTER) {
        quote.wantedUntil = Math.max(quote.wantedUntil, quote.usable ? now() + 500 : until);
        if (!quote.keeping) this.#keep(quote);
      }
      if (quote.usable) break;
      if (now() >= until) throw unavailable(`no rate for ${currency} now`);
      await within(quote.changed(), until - now());
    }
    if (quote.value === null) throw notFound(`no rate for ${currency}`);
    return { currency, value: quote.value, asOf: quote.asOf };
  }

  /** Look a rate up, again if need be, until it is fresh or nobody wants it any more. */
  async #keep(quote) {
    quote.keeping = true;
    try {
      while (quote.age > REFRESH_AFTER && now() < quote.wantedUntil) {
        const wait = quote.takeTurn();
        if (wait > 0) await sleep(Math.min(wait, Math.max(1, quote.wantedUntil - now())));
        // One that hangs does not keep the next one back.
        else await within(this.#lookUp(quote), 1000);
      }
    } finally {
      quote.keeping = false;
    }
  }

  async #lookUp(quote) {
    const askedAt = now();
    const leave = this.#limiter.force();
    const result = await this.#provider.rate(quote.currency, { timeoutMs: TIMEOUT });
    leave();
    const unknown = result.kind === 'refused' && result.status === 404;
    if (result.kind !== 'rate' && !unknown) {
      log.warning(`rate ${quote.currency}: ${result.why}`);
      if (result.waitMs) quote.notBefore = now() + result.waitMs;
      return;
    }
    if (askedAt < quote.askedAt) return; // a later one was faster
    if (result.value !== quote.value) {
      log.info(`rate ${quote.currency} is ${result.value ?? 'not traded'}, published ${result.asOf}`);
    }
    quote.value = result.value ?? null;
    quote.asOf = result.asOf ?? null;
    quote.askedAt = askedAt;
    quote.wake();
  }
}
