// Reads Clarity sources as nested lists, enough to say what stands where in them. Checks nothing:
// the VM does that.

const TOKENS = /;[^\n]*|u?"(?:\\.|[^"\\])*"|[(){}]|[^\s(){}",;]+/g;

/** A tuple: its fields by name, in the order of the source. */
export class Tuple {
  constructor() {
    this.fields = new Map();
  }
}

/** The expressions of a source: a list is an array, a tuple a Tuple, all else its text. */
export function parse(source) {
  const tokens = source.match(TOKENS).filter((token) => !token.startsWith(";"));
  const expressions = [];
  while (tokens.length) expressions.push(read(tokens));
  return expressions;
}

function read(tokens) {
  const token = tokens.shift();
  if (token === "(") return readList(tokens);
  if (token === "{") return readTuple(tokens);
  return token;
}

function readList(tokens) {
  const items = [];
  while (tokens[0] !== ")") items.push(read(tokens));
  tokens.shift();
  return items;
}

function readTuple(tokens) {
  const tuple = new Tuple();
  while (tokens[0] !== "}") {
    const name = tokens.shift().replace(/:$/, "");
    tuple.fields.set(name, read(tokens));
  }
  tokens.shift();
  return tuple;
}

/** An expression and everything inside it. */
export function* within(expression) {
  yield expression;
  const inner = expression instanceof Tuple ? expression.fields.values() : Array.isArray(expression) ? expression : [];
  for (const one of inner) yield* within(one);
}
