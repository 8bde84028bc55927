/**
 * Decides which bytes are a Clarity value, how it is written out, and whether it fits a type of a contract's interface.
 * Strict on purpose: one value has one encoding, so what decodes here needs no second check by re-encoding, and
 * nothing unchecked reaches the VM, whose own decoder ends the whole instance on bad bytes.
 * Own code rather than stacks.js, which orders tuple keys by locale ("a" before "Z"), not by bytes as the chain does.
 *
 * @typedef {{type: string, value?: any}} Value
 *   int, uint: bigint · bool: boolean · buffer: hex · ascii, utf8: text · principal: text · none
 *   some, ok, err: Value · list: Value[] · tuple: [string, Value][]
 */
import { CLARITY_NAME, CONTRACT_NAME, encodeAddress } from './address.mjs';
import { ByteReader, WireError, fromHex, toHex } from './reader.mjs';

/** Nesting and size that the VM itself allows (MAX_TYPE_DEPTH, MAX_VALUE_SIZE). */
const MAX_DEPTH = 32;
const MAX_VALUE_BYTES = 1024 * 1024;

const PRINTABLE = /^[\x20-\x7e\t\n\r]*$/;

/** @param {Uint8Array} bytes exactly one value @returns {Value} */
export function decodeValue(bytes) {
  const reader = new ByteReader(bytes);
  const value = readValue(reader);
  reader.end();
  return value;
}

/** @param {string} hex @returns {string} the value as Clarity source spells it */
export function reprHex(hex) {
  return repr(decodeValue(fromHex(hex)));
}

/** @param {ByteReader} reader @param {number} [depth] @returns {Value} */
export function readValue(reader, depth = 1) {
  if (depth > MAX_DEPTH) throw new WireError(`a value is nested deeper than ${MAX_DEPTH}`);
  const start = reader.offset;
  const value = readBody(reader.u8(), reader, depth);
  if (reader.offset - start > MAX_VALUE_BYTES) throw new WireError(`a value is longer than ${MAX_VALUE_BYTES} bytes`);
  return value;
}

function readBody(prefix, reader, depth) {
  switch (prefix) {
    case 0x00: return { type: 'int', value: BigInt.asIntN(128, reader.uint(16)) };
    case 0x01: return { type: 'uint', value: reader.uint(16) };
    case 0x02: return { type: 'buffer', value: toHex(reader.take(reader.u32())) };
    case 0x03: return { type: 'bool', value: true };
    case 0x04: return { type: 'bool', value: false };
    case 0x05: return { type: 'principal', value: readAddress(reader) };
    case 0x06: return { type: 'principal', value: readContract(reader) };
    case 0x07: return { type: 'ok', value: readValue(reader, depth + 1) };
    case 0x08: return { type: 'err', value: readValue(reader, depth + 1) };
    case 0x09: return { type: 'none' };
    case 0x0a: return { type: 'some', value: readValue(reader, depth + 1) };
    case 0x0b: return { type: 'list', value: readList(reader, depth) };
    case 0x0c: return { type: 'tuple', value: readTuple(reader, depth) };
    case 0x0d: return { type: 'ascii', value: readAscii(reader) };
    case 0x0e: return { type: 'utf8', value: readUtf8(reader) };
    default: throw new WireError(`0x${prefix.toString(16).padStart(2, '0')} begins no Clarity value`);
  }
}

/** @param {ByteReader} reader */
export function readAddress(reader) {
  const version = reader.u8();
  return encodeAddress(version, toHex(reader.take(20)));
}

function readContract(reader) {
  const address = readAddress(reader);
  return `${address}.${reader.name(CONTRACT_NAME, 'contract name')}`;
}

function readList(reader, depth) {
  const count = reader.u32();
  // Every element is at least one byte: a count beyond that is a lie, refused before anything is allocated.
  if (count > reader.remaining) throw new WireError(`a list claims ${count} elements`);
  return Array.from({ length: count }, () => readValue(reader, depth + 1));
}

function readTuple(reader, depth) {
  const count = reader.u32();
  if (count > reader.remaining) throw new WireError(`a tuple claims ${count} fields`);
  const fields = [];
  for (let i = 0; i < count; i += 1) {
    const name = reader.name(CLARITY_NAME, 'tuple key');
    if (i > 0 && name <= fields[i - 1][0]) throw new WireError(`tuple key ${name} is repeated or out of byte order`);
    fields.push([name, readValue(reader, depth + 1)]);
  }
  return fields;
}

function readAscii(reader) {
  const text = Buffer.from(reader.take(reader.u32())).toString('latin1');
  if (!PRINTABLE.test(text)) throw new WireError('a string-ascii holds a character that is not printable ASCII');
  return text;
}

function readUtf8(reader) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(reader.take(reader.u32()));
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError('a string-utf8 is not UTF-8');
  }
}

/** @param {Value} v @returns {string} */
export function repr(v) {
  switch (v.type) {
    case 'int': return `${v.value}`;
    case 'uint': return `u${v.value}`;
    case 'bool': return `${v.value}`;
    case 'buffer': return `0x${v.value}`;
    case 'ascii': return JSON.stringify(v.value);
    case 'utf8': return `u${JSON.stringify(v.value)}`;
    case 'principal': return `'${v.value}`;
    case 'none': return 'none';
    case 'some':
    case 'ok':
    case 'err': return `(${v.type} ${repr(v.value)})`;
    case 'list': return v.value.length === 0 ? '(list)' : `(list ${v.value.map(repr).join(' ')})`;
    default: return `(tuple ${v.value.map(([name, field]) => `(${name} ${repr(field)})`).join(' ')})`;
  }
}

/**
 * Whether a value may be passed where a contract's interface asks for `type`.
 * @param {any} type as the interface gives it: "uint128", {buffer: {length}}, {tuple: [{name, type}]}, ...
 * @param {Value} v
 */
export function admits(type, v) {
  if (typeof type === 'string') return admitsAtom(type, v);
  const [kind, detail] = Object.entries(type)[0];
  switch (kind) {
    case 'buffer': return v.type === 'buffer' && v.value.length / 2 <= detail.length;
    case 'string-ascii': return v.type === 'ascii' && v.value.length <= detail.length;
    case 'string-utf8': return v.type === 'utf8' && [...v.value].length <= detail.length;
    case 'optional': return v.type === 'none' || (v.type === 'some' && admits(detail, v.value));
    case 'response': return (v.type === 'ok' && admits(detail.ok, v.value))
      || (v.type === 'err' && admits(detail.error, v.value));
    case 'list': return v.type === 'list' && v.value.length <= detail.length
      && v.value.every((element) => admits(detail.type, element));
    case 'tuple': return v.type === 'tuple' && v.value.length === detail.length
      && v.value.every(([name, field]) => {
        const expected = detail.find((entry) => entry.name === name);
        return expected !== undefined && admits(expected.type, field);
      });
    default: return false;
  }
}

function admitsAtom(type, v) {
  switch (type) {
    case 'int128': return v.type === 'int';
    case 'uint128': return v.type === 'uint';
    case 'bool': return v.type === 'bool';
    case 'principal': return v.type === 'principal';
    // Whether the contract implements the trait is for the VM to say.
    case 'trait_reference': return v.type === 'principal' && v.value.includes('.');
    default: return false;
  }
}

/** @param {any} type of an interface @returns {string} as Clarity source spells it */
export function typeName(type) {
  if (typeof type === 'string') return { int128: 'int', uint128: 'uint', trait_reference: 'trait' }[type] ?? type;
  const [kind, detail] = Object.entries(type)[0];
  switch (kind) {
    case 'buffer': return `(buff ${detail.length})`;
    case 'optional': return `(optional ${typeName(detail)})`;
    case 'response': return `(response ${typeName(detail.ok)} ${typeName(detail.error)})`;
    case 'list': return `(list ${detail.length} ${typeName(detail.type)})`;
    case 'tuple': return `(tuple ${detail.map((entry) => `(${entry.name} ${typeName(entry.type)})`).join(' ')})`;
    default: return `(${kind} ${detail.length})`;
  }
}
