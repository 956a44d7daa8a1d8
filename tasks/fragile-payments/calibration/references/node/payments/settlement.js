// Hands captured charges to the provider, so that the merchants get their money. What is to be
// paid out is what the books say, so nothing is lost with the process. A charge that is sent twice
// is paid out once.

import { logger } from './log.js';
import { sleep } from './util.js';

const log = logger('settlement');

const BATCH = 200;
const TIMEOUT = 10000;

export class Settlement {
  #store;
  #provider;
  #limiter;
  #stopped = false;

  constructor(store, provider, limiter, everyMs) {
    this.everyMs = everyMs;
    this.#store = store;
    this.#provider = provider;
    this.#limiter = limiter;
  }

  async start() {
    let pause = this.everyMs;
    await this.#store.forgetRefusedSettlements().catch(() => {});
    while (!this.#stopped) {
      await sleep(pause);
      if (this.#stopped) return;
      const trouble = await this.#run().catch((error) => ({ why: error.message }));
      if (trouble) log.warning(`settlement failed, again later: ${trouble.why}`);
      pause = trouble ? Math.max(trouble.waitMs ?? 0, Math.min(30000, pause * 2)) : this.everyMs;
    }
  }

  stop() {
    this.#stopped = true;
  }

  /** Settle all that wait. Resolves to the result that stopped it, or undefined. */
  async #run() {
    let seq = 0;
    while (!this.#stopped) {
      const payments = this.#store.unsettled(seq, BATCH);
      if (payments.length === 0) return undefined;
      seq = payments.at(-1).seq;
      const trouble = await this.#settle(payments);
      if (trouble) return trouble;
    }
    return undefined;
  }

  async #settle(payments) {
    const leave = (await this.#limiter.enter(5000)) ?? this.#limiter.force();
    const charges = payments.map((payment) => payment.provider_charge_id);
    const result = await this.#provider.settle(charges, { timeoutMs: TIMEOUT });
    leave();
    if (result.kind === 'settled') {
      const settled = new Set(result.chargeIds);
      const done = payments.filter((payment) => settled.has(payment.provider_charge_id));
      await this.#store.markSettled(done.map((payment) => payment.id), result.batchId);
      log.info(`settled ${done.length} of ${payments.length} charges in batch ${result.batchId}`);
      return undefined;
    }
    if (result.kind !== 'refused') return result;
    if (payments.length === 1) {
      // One for finance. Set aside until the next start, so that it does not hold up the others.
      await this.#store.refuseSettlement(payments[0].id);
      log.error(`settlement of ${payments[0].id} (${charges[0]}) was refused: ${result.why}`);
      return undefined;
    }
    // One bad charge spoils a batch: find it.
    const half = payments.length >> 1;
    if (this.#stopped) return undefined;
    return (await this.#settle(payments.slice(0, half))) ?? this.#settle(payments.slice(half));
  }
}
