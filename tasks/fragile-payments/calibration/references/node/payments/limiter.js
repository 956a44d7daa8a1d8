import { now } from './util.js';

/** The provider serves 10 calls at a time; more would only wait in line at their end. */
export class Limiter {
  #inUse = 0;
  #queue = [];

  constructor(size, maxQueue) {
    this.size = size;
    this.maxQueue = maxQueue;
  }

  /**
   * Wait for a place, first come first served. Resolves to a function that gives it back, or to
   * null if there was none within `maxWaitMs`, or if the line is too long for that.
   */
  enter(maxWaitMs) {
    if (this.#inUse < this.size) return Promise.resolve(this.force());
    if (this.#queue.length >= this.maxQueue) return Promise.resolve(null);
    return new Promise((resolve) => {
      const entry = { resolve, timer: undefined };
      entry.timer = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(entry), 1);
        resolve(null);
      }, maxWaitMs);
      this.#queue.push(entry);
    });
  }

  /** Take a place at once, for the few calls that must not wait behind new payments. */
  force() {
    this.#inUse += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#inUse -= 1;
      while (this.#inUse < this.size && this.#queue.length > 0) {
        const { resolve, timer } = this.#queue.shift();
        clearTimeout(timer);
        resolve(this.force());
      }
    };
  }
}

/**
 * How many calls may be repeated: plenty next to calls that succeed, few when none do. Keeps a bad
 * day of the provider from being met with a multiple of our usual calls.
 */
export class RetryBudget {
  #left = 30;
  #at = now();

  success() {
    this.#left = Math.min(30, this.#left + 0.5);
  }

  take() {
    const t = now();
    this.#left = Math.min(30, this.#left + (2 * (t - this.#at)) / 1000);
    this.#at = t;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
