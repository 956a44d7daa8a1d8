// One HTTP call to somebody else, bounded in every direction: total time and size of the answer.

import http from 'node:http';
import https from 'node:https';


const MAX_BODY = 256 * 1024;

/** There was no answer. `sent` is whether the other side may have seen the request. */
export class NoAnswer extends Error {
  constructor(reason, sent) {
    super(reason);
    this.sent = sent;
  }
}

export class Upstream {
  #base;
  #client;
  #agent;

  constructor(baseUrl, { keepAlive, userAgent }) {
    this.#base = new URL(baseUrl);
    this.#client = this.#base.protocol === 'https:' ? https : http;
    // An idle connection is closed after 2 s, before the other side is likely to do it under a
    // request of ours.
    this.#agent = new this.#client.Agent({ keepAlive, timeout: 2000 });
    this.userAgent = userAgent;
  }

  close() {
    this.#agent.destroy();
  }

  /**
   * Resolves to {status, headers, json}; `json` is undefined if the body is none (or `bodyless`).
   * `beforeSend` is awaited when the connection is there and nothing has been sent yet.
   * Rejects with NoAnswer, also when `signal` aborts or `timeoutMs` are over before the body is in.
   */
  call(method, path, { json, headers = {}, timeoutMs, signal, bodyless = false, beforeSend }) {
    return new Promise((resolve, reject) => {
      const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
      let sent = false;
      let over = false;
      let req;
      const end = (settle, value) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        settle(value);
      };
      const fail = (reason) => {
        end(reject, new NoAnswer(reason, sent));
        req?.destroy();
      };
      const onAbort = () => fail('aborted');
      const timer = setTimeout(() => fail('timeout'), Math.max(1, timeoutMs));
      if (signal?.aborted) return fail('aborted');
      signal?.addEventListener('abort', onAbort, { once: true });

      req = this.#client.request({
        protocol: this.#base.protocol,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        path: this.#base.pathname.replace(/\/+$/, '') + path,
        method,
        agent: this.#agent,
        headers: {
          Accept: 'application/json',
          'User-Agent': this.userAgent,
          ...(body && { 'Content-Type': 'application/json', 'Content-Length': body.length }),
          ...headers,
        },
      });
      const send = async () => {
        try {
          await beforeSend?.();
        } catch (error) {
          return fail(error.code ?? error.name);
        }
        if (over) return;
        sent = true;
        req.end(body);
      };
      req.on('socket', (socket) => {
        if (!socket.connecting) send();
        else socket.once('connect', send);
      });
      req.on('error', (error) => fail(error.code ?? 'error'));
      req.on('response', (res) => {
        const answer = { status: res.statusCode, headers: res.headers, json: undefined };
        if (bodyless) {
          end(resolve, answer);
          // What is left of the answer does not matter, unless it never ends.
          const tail = setTimeout(() => req.destroy(), 1000);
          res.on('close', () => clearTimeout(tail)).on('error', () => {}).resume();
          return;
        }
        const chunks = [];
        let size = 0;
        res.on('data', (chunk) => {
          size += chunk.length;
          if (size > MAX_BODY) fail('answer too large');
          else chunks.push(chunk);
        });
        res.on('error', () => fail('reset'));
        res.on('aborted', () => fail('reset'));
        res.on('end', () => {
          if (!res.complete) return fail('reset');
          try {
            answer.json = JSON.parse(Buffer.concat(chunks).toString());
          } catch {
            // Not JSON: the caller sees that there is none.
          }
          end(resolve, answer);
        });
      });
    });
  }
}

/** The milliseconds that a header Retry-After asks us to wait, or undefined. */
export function retryAfterMs(headers) {
  const value = headers['retry-after']?.trim();
  if (!value) return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

