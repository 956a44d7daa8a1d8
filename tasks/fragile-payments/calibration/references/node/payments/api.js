// HTTP routes. docs/api.md is what we have promised to the shops.

import { ApiError, notFound } from './errors.js';
import { logger } from './log.js';
import { paymentJson } from './payments.js';
import { encodeCursor, idempotencyKey, listQuery, paymentRequest, refundRequest } from './validation.js';

const log = logger('api');

const RATE_WAIT = 2300;

/** `state` says whether we are ready; the rest are the parts of the service. */
export function routes({ store, payments, refunds, rates, state }) {
  async function createPayment({ req, body, arrivedAt }) {
    const request = paymentRequest(body, req.headers['content-type']);
    const key = idempotencyKey(req.headersDistinct['idempotency-key']);
    const reply = await payments.take(key, request, arrivedAt);
    return reply;
  }

  async function getPayment({ params: [id] }) {
    const payment = store.getPayment(id);
    if (!payment) throw notFound(`no payment ${id}`);
    return { status: 200, body: paymentJson(payment) };
  }

  async function listPayments({ query }) {
    const { merchant_id: merchantId, limit, before } = listQuery(query);
    const found = store.listPayments(merchantId, before, limit + 1);
    const page = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor(page.at(-1).seq) : null;
    return { status: 200, body: { items: page.map(paymentJson), next_cursor: next } };
  }

  async function createRefund({ req, res, body, params: [id], arrivedAt }) {
    const { amount } = refundRequest(body, req.headers['content-type']);
    const refund = await refunds.refund(id, amount, arrivedAt);
    res.once('close', () => refunds.answered(refund, res.writableFinished));
    if (res.destroyed) await refunds.answered(refund, false);
    return { status: 201, body: refund };
  }

  async function getRate({ params: [currency] }) {
    const rate = await rates.get(currency.toUpperCase(), RATE_WAIT);
    const body = { currency: rate.currency, rate: rate.value, as_of: rate.asOf };
    return { status: 200, body };
  }

  async function getBalance({ params: [merchantId] }) {
    return { status: 200, body: store.balance(merchantId) };
  }

  async function livez() {
    return { status: 200, body: { status: 'ok' } };
  }

  async function readyz() {
    if (!state.ready) throw new ApiError(503, 'not taking traffic');
    try {
      store.ping();
    } catch (error) {
      log.error(`not ready: ${error.message}`);
      throw new ApiError(503, 'database unavailable');
    }
    return { status: 200, body: { status: 'ok' } };
  }

  return [
    ['POST', '/payments', createPayment],
    ['GET', '/payments', listPayments],
    ['GET', '/payments/{id}', getPayment],
    ['POST', '/payments/{id}/refunds', createRefund],
    ['GET', '/rates/{currency}', getRate],
    ['GET', '/merchants/{id}/balance', getBalance],
    ['GET', '/livez', livez],
    ['GET', '/readyz', readyz],
  ];
}
