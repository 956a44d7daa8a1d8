// What a request has to look like. Rules and wording of errors are those the shops know from the
// versions before 1.15; but what they had sent is not repeated to them, as it may be a card.

import { ApiError, invalid } from './errors.js';
import { CURRENCIES } from './rates.js';

const MAX_AMOUNT = 1_000_000;
// Unicode's White_Space; \s of JavaScript differs in U+0085 and U+FEFF.
const SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const STRIP = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'gu');
const EMAIL = new RegExp(`^[^@${SPACE}]+@[^@${SPACE}]+\\.[^@${SPACE}]+$`, 'u');
const EMAIL_SHOWN = '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$';
const CURRENCIES_SHOWN = "'EUR', 'USD', 'GBP', 'JPY' or 'CHF'";

const bad = (type, msg, ctx) => ({ error: ctx ? { type, msg, ctx } : { type, msg } });
const lengthOf = (text) => [...text].length;
const plural = (n) => `${n} character${n === 1 ? '' : 's'}`;

/** A JSON number that was not written as an integer: `1250.0` is not an amount. */
class NotAnInteger {}

// Each rule takes a value and returns {value} or {error}.

const string = ({ min = 0, max, strip = false, pattern, patternShown }) => (input) => {
  if (typeof input !== 'string') return bad('string_type', 'Input should be a valid string');
  if (!input.isWellFormed()) {
    return bad(
      'string_unicode',
      'Input should be a valid string, unable to parse raw data as a unicode string',
    );
  }
  const value = strip ? input.replace(STRIP, '') : input;
  const length = lengthOf(value);
  if (length < min) {
    return bad('string_too_short', `String should have at least ${plural(min)}`, { min_length: min });
  }
  if (length > max) {
    return bad('string_too_long', `String should have at most ${plural(max)}`, { max_length: max });
  }
  if (pattern && !pattern.test(value)) {
    const ctx = { pattern: patternShown };
    return bad('string_pattern_mismatch', `String should match pattern '${patternShown}'`, ctx);
  }
  return { value };
};

const between = (value, min, max) => {
  if (value < min) {
    const msg = `Input should be greater than or equal to ${min}`;
    return bad('greater_than_equal', msg, { ge: min });
  }
  if (value > max) {
    return bad('less_than_equal', `Input should be less than or equal to ${max}`, { le: max });
  }
  return { value };
};

const amount = (input) =>
  typeof input === 'number'
    ? between(input, 1, MAX_AMOUNT)
    : bad('int_type', 'Input should be a valid integer');

const currency = (input) =>
  CURRENCIES.includes(input)
    ? { value: input }
    : bad('enum', `Input should be ${CURRENCIES_SHOWN}`, { expected: CURRENCIES_SHOWN });

const orNull = (rule) => (input) => (input === null ? { value: null } : rule(input));

const integerText = (min, max) => (input) =>
  /^\s*[+-]?\d+(_\d+)*(\.0+)?\s*$/.test(input)
    ? between(Number(input.replaceAll('_', '')), min, max)
    : bad(
        'int_parsing',
        'Input should be a valid integer, unable to parse string as an integer',
      );

const PAYMENT = {
  merchant_id: { rule: string({ min: 1, max: 64, strip: true }) },
  amount: { rule: amount },
  currency: { rule: currency },
  card_token: { rule: string({ min: 1, max: 128 }) },
  customer_email: { rule: string({ max: 254, pattern: EMAIL, patternShown: EMAIL_SHOWN }) },
  description: { rule: orNull(string({ max: 200 })), fallback: null },
};
const REFUND = { amount: { rule: amount } };
const LIST = {
  merchant_id: { rule: string({ min: 1, max: 64 }), fallback: undefined },
  limit: { rule: integerText(1, 100), fallback: 20 },
};

function check(rules, input, where) {
  const errors = [];
  const values = {};
  for (const [name, field] of Object.entries(rules)) {
    if (!Object.hasOwn(input, name)) {
      if ('fallback' in field) values[name] = field.fallback;
      else errors.push({ type: 'missing', loc: [where, name], msg: 'Field required' });
      continue;
    }
    const { error, value } = field.rule(input[name]);
    if (error) errors.push({ type: error.type, loc: [where, name], msg: error.msg, ...(error.ctx && { ctx: error.ctx }) });
    else values[name] = value;
  }
  if (errors.length > 0) throw invalid(errors);
  return values;
}

function isJson(contentType) {
  if (contentType === undefined) return true;
  const type = contentType.split(';')[0].trim().toLowerCase();
  return /^application\/(json|[^/]+\+json)$/.test(type);
}

/** The body of a request as an object. */
function parseBody(bytes, contentType) {
  const missing = { type: 'missing', loc: ['body'], msg: 'Field required' };
  if (bytes.length === 0) throw invalid([missing]);
  let body;
  if (isJson(contentType)) {
    let text;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw new ApiError(400, 'There was an error parsing the body');
    }
    try {
      body = JSON.parse(text, (key, value, { source }) =>
        typeof value === 'number' && !/^-?\d+$/.test(source) ? new NotAnInteger() : value,
      );
    } catch {
      throw invalid([{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error' }]);
    }
    if (body === null) throw invalid([missing]);
  }
  if (typeof body !== 'object' || Array.isArray(body) || body instanceof NotAnInteger) {
    throw invalid([
      {
        type: 'model_attributes_type',
        loc: ['body'],
        msg: 'Input should be a valid dictionary or object to extract fields from',
      },
    ]);
  }
  return body;
}

export const paymentRequest = (bytes, contentType) =>
  check(PAYMENT, parseBody(bytes, contentType), 'body');

export const refundRequest = (bytes, contentType) =>
  check(REFUND, parseBody(bytes, contentType), 'body');

/** merchant_id, limit and `before`, the seq that a cursor stands for. */
export function listQuery(query) {
  // Of a parameter that is given twice, the last one counts.
  const input = Object.fromEntries(query);
  const values = check(LIST, input, 'query');
  return { ...values, before: 'cursor' in input ? decodeCursor(input.cursor) : undefined };
}

export const encodeCursor = (seq) => Buffer.from(String(seq)).toString('base64url');

function decodeCursor(cursor) {
  const text = Buffer.from(cursor, 'base64url').toString('latin1').trim();
  const seq = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(seq)) throw invalid('cursor is not one of ours');
  return seq;
}

/** The header Idempotency-Key. */
export function idempotencyKey(values) {
  const key = (values?.[0] ?? '').replace(STRIP, '');
  if (key.length < 1 || key.length > 255) {
    throw new ApiError(400, 'header Idempotency-Key is missing or too long');
  }
  return key;
}
