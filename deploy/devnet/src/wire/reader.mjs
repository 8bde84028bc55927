/**
 * Decides how bytes are taken off the wire: big-endian, bounded, never past the end.
 * Does not know what the bytes mean.
 */

/** They sent bytes that are not what they claim to be. Caught at the edge and answered, never fatal. */
export class WireError extends Error {}

export class ByteReader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.offset = 0;
  }

  get remaining() {
    return this.bytes.length - this.offset;
  }

  /** @param {number} length @returns {Uint8Array} a copy, so that later edits of the source do not reach it */
  take(length) {
    if (length > this.remaining) {
      throw new WireError(`needs ${length} bytes at offset ${this.offset}, ${this.remaining} are left`);
    }
    const taken = Uint8Array.from(this.bytes.subarray(this.offset, this.offset + length));
    this.offset += length;
    return taken;
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    return Number(this.uint(2));
  }

  u32() {
    return Number(this.uint(4));
  }

  u64() {
    return this.uint(8);
  }

  /** @param {number} width in bytes @returns {bigint} */
  uint(width) {
    return BigInt(`0x${toHex(this.take(width))}`);
  }

  /** A name: one length byte, then ASCII that must match. @param {RegExp} pattern @param {string} what */
  name(pattern, what) {
    const text = Buffer.from(this.take(this.u8())).toString('latin1');
    if (!pattern.test(text)) throw new WireError(`${JSON.stringify(text)} is not a ${what}`);
    return text;
  }

  end() {
    if (this.remaining !== 0) throw new WireError(`${this.remaining} bytes are left over`);
  }
}

/** @param {Uint8Array} bytes @returns {string} lower-case hex without 0x */
export function toHex(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** @param {unknown} text hex with or without 0x @returns {Uint8Array} */
export function fromHex(text) {
  const digits = typeof text === 'string' ? text.replace(/^0x/i, '') : '';
  if (typeof text !== 'string' || digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new WireError('not a hex string');
  }
  // A plain Uint8Array: the VM's argument parser does not read Node's Buffer.
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
