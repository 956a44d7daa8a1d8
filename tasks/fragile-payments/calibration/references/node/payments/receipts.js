// Mails a receipt to the customer after a captured payment.
//
// The mailer does not look for duplicates, so a message is marked in the books before it is sent:
// at the last moment, on an open connection, so that hardly anything can come in between.
// Whenever they do not have it for certain, it is sent again, for as long as it takes. If we
// cannot know (the connection broke under a request, or our process was killed then), it is not
// sent again: a second receipt looks like a second charge. Those are logged, for support.

import { logger } from './log.js';
import { formatAmount } from './money.js';
import { NoAnswer, retryAfterMs } from './upstream.js';
import { now, sleep } from './util.js';

const log = logger('receipts');

const AT_A_TIME = 8;
const TIMEOUT = 15 * 60 * 1000; // "when a newsletter goes out it can be minutes"
const MAX_PAUSE = 5000;

function message(payment) {
  const amount = formatAmount(payment.amount, payment.currency);
  return {
    to: payment.customer_email,
    subject: `Your payment of ${amount}`,
    body: `\
We have taken ${amount} from your card for ${payment.merchant_id}.

  Payment      ${payment.id}
  Date         ${payment.created_at.slice(0, 10)}
  For          ${payment.description || '-'}

Questions about your order? Please ask the shop and quote the payment number.

Brookstall
`,
  };
}

export class Receipts {
  #store;
  #mailer;
  #sending = new Set(); // ids
  #pausedUntil = 0;
  #failures = 0;
  #looking = false;
  #stopped = false;
  #timer;

  constructor(store, mailer) {
    this.#store = store;
    this.#mailer = mailer;
  }

  async start() {
    const lost = this.#store.sendingReceipts().map((row) => row.id);
    if (lost.length > 0) {
      await this.#store.noteReceipts(lost, 'unknown');
      for (const id of lost) log.error(`receipt for ${id}: the mailer may or may not have it`);
    }
    this.#timer = setInterval(() => this.wake(), 500);
    this.wake();
  }

  /** There may be something to send. */
  wake() {
    if (this.#looking || this.#stopped) return;
    this.#looking = true;
    try {
      this.#look();
    } catch (error) {
      log.error(`looking for receipts: ${error.message}`);
    }
    this.#looking = false;
  }

  #look() {
    while (!this.#stopped && now() >= this.#pausedUntil) {
      // After a failure, one message finds out whether they are back.
      const room = (this.#failures > 0 ? 1 : AT_A_TIME) - this.#sending.size;
      if (room <= 0) return;
      const due = this.#store
        .dueReceipts(AT_A_TIME + this.#sending.size)
        .filter((payment) => !this.#sending.has(payment.id));
      if (due.length === 0) return;
      for (const payment of due.slice(0, room)) this.#send(payment);
    }
  }

  async #send(payment) {
    this.#sending.add(payment.id);
    try {
      await this.#deliver(payment);
    } catch (error) {
      log.error(`receipt for ${payment.id}: ${error.message}`);
    } finally {
      this.#sending.delete(payment.id);
      this.wake();
    }
  }

  async #deliver(payment) {
    let answer;
    try {
      answer = await this.#mailer.call('POST', '/messages', {
        json: message(payment),
        timeoutMs: TIMEOUT,
        bodyless: true,
        beforeSend: () => this.#store.noteReceipts([payment.id], 'sending'),
      });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (!error.sent) return this.#later(payment, error.message);
      log.error(`receipt for ${payment.id}: the mailer may or may not have it (${error.message})`);
      return this.#store.finishReceipt(payment.id, 'unknown');
    }
    if (answer.status !== 202) {
      return this.#later(payment, `status ${answer.status}`, answer);
    }
    this.#failures = 0;
    return this.#store.finishReceipt(payment.id, 'sent');
  }

  /** They do not have it. */
  #later(payment, why, answer) {
    const tries = payment.receipt_tries + 1;
    const aboutThisOne = answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429;
    let wait;
    if (aboutThisOne) {
      wait = Math.min(3600000, 5000 * 2 ** Math.min(tries, 12));
    } else {
      this.#failures += 1;
      const backoff = Math.min(MAX_PAUSE, 250 * 2 ** Math.min(this.#failures, 8));
      wait = Math.min(60000, Math.max(backoff, (answer && retryAfterMs(answer.headers)) ?? 0));
      this.#pausedUntil = Math.max(this.#pausedUntil, now() + wait);
    }
    log.warning(`receipt for ${payment.id} is sent later: ${why}`);
    return this.#store.delayReceipt(payment.id, tries, wait);
  }

  /** Start no more, and let the mailer take what it has been given, for at most `ms`. */
  async drain(ms) {
    this.#stopped = true;
    clearInterval(this.#timer);
    const end = now() + ms;
    while (this.#sending.size > 0 && now() < end) await sleep(20);
  }
}
