/** Decides how a log line looks: one JSON object on stderr. Stdout is for the one line that says "ready". */

/** @param {string} event @param {object} [fields] */
export function log(event, fields = {}) {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}
