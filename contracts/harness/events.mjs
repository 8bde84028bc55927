// Which events the contracts print, as their sources say: the page that an indexer is written by.

import { readFile } from "node:fs/promises";
import { parse, Tuple, within } from "./expressions.mjs";
import { plan } from "./interfaces.mjs";

const ROOT = new URL("../", import.meta.url);
/** What a value that is merged into an event adds to its fields; a test compares it with what is printed. */
const MERGED = {
  taken: ["slashed", "bounty", "burned"],
  ended: ["slashed", "bounty", "burned", "outcome"],
  tally: [],
};
/** What calls the function that stands behind it. */
const OVER_LISTS = ["fold", "map", "filter"];
/** The keys that name an event: SIP-013 has a word of its own. */
const NAMED_BY = ["topic", "type"];

/** Of each contract of the plan {contract, functions: Map of a public function's name -> [its events]}. */
export async function events() {
  const { contracts } = await plan();
  const read = async ({ name, path }) => ({ contract: name, functions: eventsOf(await readFile(new URL(path, ROOT), "utf8")) });
  return Promise.all(contracts.map(read));
}

/** public function -> the events it can print, {named, name, fields}; a bare value has none of these but `bare`. */
export function eventsOf(source) {
  const defined = new Map();
  for (const [kind, signature, ...body] of parse(source)) {
    if (kind === "define-public" || kind === "define-private") defined.set(signature[0], { kind, signature, body });
  }
  const found = new Map();
  for (const [name, { kind }] of defined) {
    if (kind === "define-public") found.set(name, unique(reached(name, defined).flatMap((one) => prints(one, defined))));
  }
  return found;
}

/** The function and all of its contract that it can come to. */
function reached(name, defined, seen = new Set()) {
  if (seen.has(name)) return [];
  seen.add(name);
  const lists = [...within(defined.get(name).body)].filter(Array.isArray);
  const called = lists.map(([first, second]) => (OVER_LISTS.includes(first) ? second : first));
  return [name, ...called.filter((one) => defined.has(one)).flatMap((one) => reached(one, defined, seen))];
}

function prints(name, defined) {
  const { signature, body } = defined.get(name);
  const printed = [...within(body)].filter((one) => Array.isArray(one) && one[0] === "print");
  return printed.flatMap(([, value]) => named(value, name, signature, defined));
}

function named(value, name, signature, defined) {
  if (Array.isArray(value) && value[0] === "merge") {
    const [, base, tuple] = value;
    const [event] = named(tuple, name, signature, defined);
    return [{ ...event, fields: [...new Set([...event.fields, ...mergedFields(base, name, defined)])] }];
  }
  if (!(value instanceof Tuple)) return [{ bare: value }];
  const key = NAMED_BY.find((one) => value.fields.has(one));
  if (!key) throw new Error(`${name} prints a tuple without a ${NAMED_BY.join(" or ")}`);
  const fields = [...value.fields.keys()].filter((field) => field !== key);
  return names(value.fields.get(key), name, signature, defined).map((one) => ({ named: key, name: one, fields }));
}

/** The fields of a value that a `let` of the function binds, if that is a tuple; of others by name. */
function mergedFields(base, name, defined) {
  for (const one of within(defined.get(name).body)) {
    if (Array.isArray(one) && one[0] === base && one[1] instanceof Tuple) return one[1].fields.keys();
  }
  return MERGED[base];
}

/** The text itself, or what callers put in the place of a parameter. */
function names(key, name, signature, defined) {
  if (/^"/.test(key)) return [JSON.parse(key)];
  const at = signature.findIndex((parameter) => parameter[0] === key);
  const calls = [...defined.values()].flatMap(({ body }) => [...within(body)]).filter((one) => one[0] === name && one.length > 1);
  return calls.map((call) => JSON.parse(call[at]));
}

function unique(all) {
  return [...new Map(all.map((event) => [JSON.stringify(event), event])).values()];
}

/** EVENTS.md. */
export function eventsPage(contracts) {
  const parts = contracts.filter(({ functions }) => functions.size).map(({ contract, functions }) => {
    const rows = new Map();
    for (const [name, printed] of functions) {
      for (const event of printed) {
        const text = event.bare ? "*the memo itself*" : `\`${event.name}\``;
        const fields = event.bare ? "" : event.fields.map((field) => `\`${field}\``).join(", ");
        const row = `${text} | ${fields}`;
        rows.set(row, [...(rows.get(row) ?? []), `\`${name}\``]);
      }
    }
    const lines = [...rows].map(([row, by]) => `| ${row} | ${by.join(", ")} |`);
    return `## ${contract}\n\n| event | fields | printed by |\n|---|---|---|\n${lines.join("\n")}\n`;
  });
  return `# What the contracts print

For whoever follows the contracts with an indexer. Written by \`make interfaces\` from the sources; the tests compare it with
what the real VM prints. Types are those of the arguments and shapes of the same names in [INTERFACE.md](INTERFACE.md).

- Every public function that changes something prints one event, a tuple whose \`topic\` says what has happened. A topic
  belongs to one contract and always has the same fields. A call that is refused prints nothing.
- One call may change several contracts; each prints its own.
- Two standards have their own words: SIP-013's events are named by \`type\`, and a memo of a transfer is printed as it is
  (SIP-010, SIP-013). A transfer of ENERGY or WATT prints nothing else: the chain's own \`ft_transfer\` event tells of
  it. STX and tokens that move otherwise show in the chain's own events too, beside the contract's.

${parts.join("\n")}`;
}
