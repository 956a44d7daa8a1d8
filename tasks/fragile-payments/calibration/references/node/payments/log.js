// Logging to standard output, one line per event. All of engineering and the support agency read
// it: ids and merchants belong in here; cards, bodies, mail addresses and keys do not.
//
// Writing is asynchronous and bounded: a reader that has stopped reading must not stop the service.

import fs from 'node:fs';

const LEVELS = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50 };
const MAX_BACKLOG = 1 << 20;

let threshold = LEVELS.INFO;
let backlog = '';
let writing = false;
let dropped = 0;

function line(level, name, message) {
  if (LEVELS[level] < threshold) return;
  if (backlog.length > MAX_BACKLOG) {
    dropped += 1;
    return;
  }
  // Control characters could start a line of their own.
  const safe = String(message).replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, ' ');
  backlog += `${new Date().toISOString()} ${level.padEnd(7)} payments.${name}: ${safe}\n`;
  if (!writing) write();
}

function write() {
  if (dropped > 0) {
    backlog += `${new Date().toISOString()} WARNING payments.log: ${dropped} lines dropped\n`;
    dropped = 0;
  }
  let chunk = Buffer.from(backlog);
  backlog = '';
  writing = true;
  const next = (error, written = 0) => {
    if (error && error.code === 'EAGAIN') return setTimeout(() => fs.write(1, chunk, next), 20);
    chunk = chunk.subarray(written);
    if (!error && chunk.length > 0) return fs.write(1, chunk, next);
    writing = false;
    if (backlog) write();
  };
  fs.write(1, chunk, next);
}

export const setLevel = (level) => {
  threshold = LEVELS[level] ?? LEVELS.INFO;
};

/** Wait until everything is written, for at most `ms`. */
export async function flush(ms) {
  const end = Date.now() + ms;
  while (writing && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
}

export const logger = (name) => ({
  info: (message) => line('INFO', name, message),
  warning: (message) => line('WARNING', name, message),
  error: (message) => line('ERROR', name, message),
});
