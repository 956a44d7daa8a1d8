/** An error of ours; `status` is what the API answers and `detail` what it says. */
export class ApiError extends Error {
  constructor(status, detail, headers = {}) {
    super(typeof detail === 'string' ? detail : 'invalid request');
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

export const notFound = (detail) => new ApiError(404, detail);
export const conflict = (detail) => new ApiError(409, detail);
export const invalid = (detail) => new ApiError(422, detail);

/** The provider says that our request is wrong. */
export const refused = (detail) => new ApiError(502, detail);
/** Not now; the shop should come back in a moment. */
export const unavailable = (detail) => new ApiError(503, detail, { 'Retry-After': '1' });
/** No answer in time. */
export const timedOut = (detail) => new ApiError(504, detail, { 'Retry-After': '1' });
