/** Decides what an answer is made of. Handlers return one; a refusal may be thrown from anywhere below them. */

export class Reply {
  /** @param {number} status @param {string} body @param {string} type */
  constructor(status, body, type) {
    this.status = status;
    this.body = body;
    this.type = type;
  }
}

/** They asked for something that is not there or not allowed. */
export class Refused extends Error {
  /** @param {number} status @param {string} message @param {string} [reason] */
  constructor(status, message, reason = undefined) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** @param {unknown} value @param {number} [status] */
export function json(value, status = 200) {
  return new Reply(status, JSON.stringify(value), 'application/json');
}

/** @param {string} text @param {number} status */
export function text(text, status) {
  return new Reply(status, text, 'text/plain');
}
