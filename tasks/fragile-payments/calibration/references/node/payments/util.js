import { randomUUID } from 'node:crypto';

/** A fresh id such as `pay_5f0c...`. */
export const newId = (prefix) => `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 24)}`;

/** The current time in the form used by the API. */
export const utcNow = () => new Date().toISOString();

/** Milliseconds that only ever go forward, for deadlines. */
export const now = () => performance.now();

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** `promise`, or undefined once `ms` are over. */
export function within(promise, ms) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
