// Client for Clearhaven, our payment provider. See docs/provider-api.md.
//
// Every method resolves to {kind, ...} and never rejects. Kinds that all have in common:
//   refused   they say that our request is wrong; it must not be sent again
//   notNow    it was not carried out; again after `waitMs`, if they named a time; `unsent` if it
//             did not even reach them
//   unknown   no answer that tells us, or none at all: it may or may not have been carried out

import { plainDecimal } from './money.js';
import { NoAnswer, retryAfterMs } from './upstream.js';

const isId = (value) => typeof value === 'string' && value.length >= 1 && value.length <= 255;

/** A time as the API shows it, or null. */
function utcTime(value) {
  if (typeof value !== 'string' || value.length > 40) return null;
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return value;
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

export class Provider {
  #upstream;

  constructor(upstream) {
    this.#upstream = upstream;
  }

  /** captured {chargeId} | declined | refused | notNow | unknown {malformed} */
  charge({ reference, amount, currency, cardToken }, options) {
    const json = { reference, amount, currency, card_token: cardToken };
    const headers = { 'Idempotency-Key': reference };
    return this.#call('POST', '/charges', { ...options, json, headers }, (status, body) => {
      if (status === 402) return { kind: 'declined' };
      if (isId(body?.charge_id) && (body.reference ?? reference) === reference) {
        return { kind: 'captured', chargeId: body.charge_id };
      }
      return null;
    });
  }

  /** found {chargeId} | none | refused | notNow | unknown */
  findCharge(reference, options) {
    const path = `/charges?reference=${encodeURIComponent(reference)}`;
    return this.#call('GET', path, options, (status, body) => {
      if (!Array.isArray(body?.charges)) return null;
      const charge = body.charges.find((c) => c?.reference === reference && isId(c.charge_id));
      return charge ? { kind: 'found', chargeId: charge.charge_id } : { kind: 'none' };
    });
  }

  /** refunded {refundId} | refused | notNow | unknown */
  refund({ chargeId, amount, reference }, options) {
    const json = { charge_id: chargeId, amount, reference };
    const headers = { 'Idempotency-Key': reference };
    return this.#call('POST', '/refunds', { ...options, json, headers }, (status, body) =>
      isId(body?.refund_id) ? { kind: 'refunded', refundId: body.refund_id } : null,
    );
  }

  /** rate {value, asOf} | refused {status} | notNow | unknown */
  rate(currency, options) {
    return this.#call('GET', `/rates/${currency}`, options, (status, body) => {
      const value = plainDecimal(body?.rate);
      const asOf = utcTime(body?.published_at);
      return value && asOf ? { kind: 'rate', value, asOf } : null;
    });
  }

  /** settled {batchId, chargeIds} | refused | notNow | unknown */
  settle(chargeIds, options) {
    const json = { charge_ids: chargeIds };
    return this.#call('POST', '/settlements', { ...options, json }, (status, body) => {
      if (!isId(body?.batch_id) || !Array.isArray(body.settled)) return null;
      return { kind: 'settled', batchId: body.batch_id, chargeIds: body.settled.filter(isId) };
    });
  }

  /** `read` makes the result of a 2xx or 402 answer, or null if it cannot be made out. */
  async #call(method, path, options, read) {
    let answer;
    try {
      answer = await this.#upstream.call(method, path, options);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const kind = error.sent ? 'unknown' : 'notNow';
      return {
        kind,
        why: error.message,
        unsent: !error.sent,
        malformed: error.message === 'answer too large',
      };
    }
    const { status, headers, json } = answer;
    const why = `status ${status}`;
    if (status === 429 || status === 503) {
      return { kind: 'notNow', why, waitMs: retryAfterMs(headers) };
    }
    if ((status >= 200 && status < 300) || status === 402) {
      const result = read(status, json);
      return result ?? { kind: 'unknown', why: `${why} with a malformed body`, malformed: true };
    }
    if (status >= 400 && status < 500) return { kind: 'refused', why, status };
    return { kind: 'unknown', why };
  }
}
