// Reads the environment, puts the parts together and owns their lifetime.

import fs from 'node:fs';

import { routes } from './api.js';
import { HttpServer } from './http.js';
import { Limiter, RetryBudget } from './limiter.js';
import { flush, logger, setLevel } from './log.js';
import { Payments } from './payments.js';
import { Provider } from './provider.js';
import { Rates } from './rates.js';
import { Receipts } from './receipts.js';
import { Refunds } from './refunds.js';
import { Settlement } from './settlement.js';
import { Store } from './store.js';
import { Upstream } from './upstream.js';

const log = logger('main');

/** Of the 10 s that the platform gives us. */
const LEAVE_WITHIN = 8000;
/** What the provider serves of our calls at a time, and how many payments may wait for that. */
const PROVIDER_PLACES = 10;
const MAX_QUEUE = 40;

const { version } = JSON.parse(fs.readFileSync(new URL('package.json', import.meta.url)));

async function main(env) {
  setLevel((env.LOG_LEVEL || 'INFO').toUpperCase());
  const userAgent = `brookstall-payments/${version}`;
  const providerHttp = new Upstream(env.PROVIDER_URL || 'http://provider:9100', {
    keepAlive: true,
    userAgent,
  });
  // A new connection for each message: one that the mailer has just closed would leave us in
  // doubt about whether it has the message.
  const mailerHttp = new Upstream(env.MAILER_URL || 'http://mailer:9200', {
    keepAlive: false,
    userAgent,
  });

  const store = new Store(env.DATA_DIR || './data');
  store.onTrouble = (error) => log.error(`cannot write, trying again: ${error.message}`);
  const provider = new Provider(providerHttp);
  const limiter = new Limiter(PROVIDER_PLACES, MAX_QUEUE);
  const budget = new RetryBudget();
  const rates = new Rates(provider, limiter);
  const receipts = new Receipts(store, mailerHttp);
  const settlement = new Settlement(store, provider, limiter, Number(env.SETTLEMENT_INTERVAL_MS || 3000));
  const onCaptured = () => receipts.wake();
  const payments = new Payments({ store, provider, rates, limiter, budget, onCaptured });
  const refunds = new Refunds({ store, provider, limiter, budget });
  const state = { ready: true };
  const http = new HttpServer(routes({ store, payments, refunds, rates, state }));

  let leaving = false;
  async function leave(signal) {
    if (leaving) return;
    leaving = true;
    log.info(`${signal}: finishing what is under way`);
    state.ready = false;
    http.closing = true;
    settlement.stop();
    await Promise.all([payments, refunds, receipts].map((part) => part.drain(LEAVE_WITHIN)));
    await http.close(500);
    store.close();
    log.info(`payments ${version} is down`);
    await flush(300);
    process.exit(0);
  }
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);

  payments.recover();
  refunds.start();
  settlement.start();
  await receipts.start();
  await http.listen(Number(env.PORT || 8000), env.HOST || '0.0.0.0');
  log.info(`payments ${version} is up`);
}

process.on('unhandledRejection', (error) => {
  log.error(`unexpected: ${error?.stack?.replaceAll('\n', ' |') ?? error}`);
});

main(process.env).catch(async (error) => {
  log.error(`cannot start: ${error.message}`);
  await flush(300);
  process.exit(1);
});
