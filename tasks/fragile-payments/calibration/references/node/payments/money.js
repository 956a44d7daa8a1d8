// Rates are decimals of any precision, so they are kept as digits and a scale, never as a float.

const DECIMAL = /^\s*\+?(\d{0,30})(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,2}))?\s*$/;
const NO_MINOR_UNITS = new Set(['JPY']);

function parse(text) {
  const match = DECIMAL.exec(text);
  if (!match || !(match[1] || match[2])) return null;
  const fraction = match[2] ?? '';
  let digits = BigInt((match[1] ?? '') + fraction);
  let scale = fraction.length - Number(match[3] ?? 0);
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { digits, scale };
}

/** A positive decimal in plain notation ("1.0417"), or null if `text` is not one. */
export function plainDecimal(text) {
  const value = typeof text === 'string' ? parse(text) : null;
  if (value === null || value.digits === 0n) return null;
  const padded = value.digits.toString().padStart(value.scale + 1, '0');
  const cut = padded.length - value.scale;
  return value.scale === 0 ? padded : `${padded.slice(0, cut)}.${padded.slice(cut)}`;
}

/** Convert minor units of a currency to EUR cents, a half rounded up. */
export function toEur(amount, rate) {
  const { digits, scale } = parse(rate);
  const one = 10n ** BigInt(scale);
  return Number((2n * BigInt(amount) * digits + one) / (2n * one));
}

/** Write an amount the way a customer reads it, such as `12.50 CHF`. */
export function formatAmount(amount, currency) {
  if (NO_MINOR_UNITS.has(currency)) return `${amount} ${currency}`;
  return `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')} ${currency}`;
}
