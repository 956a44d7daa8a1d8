// The HTTP server: finds the route, reads a bounded body, answers JSON.

import http from 'node:http';

import { ApiError } from './errors.js';
import { logger } from './log.js';
import { now } from './util.js';

const log = logger('http');

const MAX_BODY = 256 * 1024;

/** Decode a path as forgivingly as ever: what is not valid stays as it is. */
function unquote(path) {
  if (!path.includes('%')) return path;
  const bytes = path.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

const compile = (template) =>
  new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`);

async function readBody(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > MAX_BODY) throw new ApiError(413, 'the body is too large', { Connection: 'close' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export class HttpServer {
  #routes;
  closing = false;

  /** `routes` are [method, template, handler]; a handler resolves to {status, body}. */
  constructor(routes) {
    this.#routes = routes.map(([method, template, handler]) => ({
      method,
      pattern: compile(template),
      handler,
    }));
    this.server = http.createServer((req, res) => this.#serve(req, res));
    this.server.keepAliveTimeout = 75000; // the shops close first
    this.server.headersTimeout = 10000;
    this.server.requestTimeout = 20000;
    this.server.on('connection', (socket) => socket.setNoDelay(true));
  }

  listen(port, host) {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, host, backlog: 1024 }, resolve);
    });
  }

  /** Let answers that are being written reach the shops, then close, within `ms`. */
  close(ms) {
    return new Promise((resolve) => {
      setTimeout(resolve, ms);
      this.server.close(resolve);
      this.server.closeIdleConnections();
    });
  }

  #find(method, path) {
    const there = this.#routes
      .map((route) => ({ ...route, match: route.pattern.exec(path) }))
      .filter((route) => route.match);
    return { route: there.find((route) => route.method === method), there };
  }

  async #serve(req, res) {
    const arrivedAt = now();
    let path = '';
    let answer;
    try {
      const [rawPath, rawQuery = ''] = req.url.split(/\?(.*)/s);
      path = unquote(rawPath);
      const { route, there } = this.#find(req.method, path);
      if (route) {
        const body = req.method === 'POST' ? await readBody(req) : null;
        answer = await route.handler({
          req, res, body, arrivedAt,
          params: route.match.slice(1),
          query: new URLSearchParams(rawQuery),
        });
      } else if (there.length > 0) {
        throw new ApiError(405, 'Method Not Allowed', { Allow: there[0].method });
      } else {
        answer = this.#redirect(req, rawPath, path, rawQuery);
      }
    } catch (error) {
      if (req.errored || req.destroyed && !req.complete) return; // gone before it had finished
      if (error instanceof ApiError) {
        answer = { status: error.status, body: { detail: error.detail }, headers: error.headers };
        if (error.status >= 500) log.warning(`${req.method} ${path}: ${error.status} ${error.message}`);
      } else {
        log.error(`${req.method} ${path}: ${error.name} ${error.code ?? ''} ${error.message}`);
        answer = { status: 500, body: { detail: 'Internal Server Error' } };
      }
    }
    this.#reply(res, answer);
  }

  /** With or without a slash at the end. */
  #redirect(req, rawPath, path, rawQuery) {
    const other = (text) => (text.endsWith('/') ? text.replace(/\/+$/, '') : `${text}/`);
    if (path === '/' || this.#find(req.method, other(path)).there.length === 0) {
      throw new ApiError(404, 'Not Found');
    }
    const query = rawQuery && `?${rawQuery}`;
    const location = `http://${req.headers.host ?? ''}${other(rawPath)}${query}`;
    return { status: 307, headers: { Location: location } };
  }

  #reply(res, { status, body, headers = {} }) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const close = this.closing ? { Connection: 'close' } : {};
    res.writeHead(status, {
      ...(text && { 'Content-Type': 'application/json' }),
      'Content-Length': Buffer.byteLength(text),
      ...headers,
      ...close,
    });
    res.end(text);
  }
}
