/** Decides what the command line means: every fault is told at once. Reads the genesis file, nothing else. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { asBalances } from './genesis.mjs';

export const USAGE = `usage: node server.mjs --state DIR [options]

A stand-in for a Stacks node: the real Clarity VM (epoch 4.0, Clarity 6) behind the node's own HTTP paths.

  --state DIR        where the chain is kept; made if missing (required)
  --genesis FILE     JSON {"ST...": microSTX, ...}; fixed by the first start on a state
  --host HOST        default 127.0.0.1
  --port N           default 3999; 0 takes a free one, named in the line on stdout
  --block-ms N       a block every N ms, default 1000; 0 mines on POST /devnet/mine only
  --idle tick|wall   with nothing to mine: a block at every tick (default), or 6 blocks after the last transaction and
                     then only as many as keep chain time from lagging behind the wall clock
  --help

Prints {"ready":true,"port":N} on stdout when it serves; logs JSON lines on stderr; SIGINT and SIGTERM end it with 0.
`;

const FLAGS = {
  state: { type: 'string' },
  genesis: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '3999' },
  'block-ms': { type: 'string', default: '1000' },
  idle: { type: 'string', default: 'tick' },
  help: { type: 'boolean', default: false },
};

/** @param {string[]} argv @returns {{options: object | null, faults: string[]}} no options and no faults: help was asked for */
export function readOptions(argv) {
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options: FLAGS }));
  } catch (error) {
    return { options: null, faults: [error.message] };
  }
  if (values.help) return { options: null, faults: [] };
  const faults = [];
  const options = {
    state: values.state ?? (faults.push('--state is needed'), ''),
    balances: readGenesis(values.genesis, faults),
    host: values.host,
    port: whole(values.port, 65_535, '--port', faults),
    blockMs: whole(values['block-ms'], 3_600_000, '--block-ms', faults),
    idle: values.idle,
  };
  if (!['tick', 'wall'].includes(values.idle)) faults.push('--idle must be tick or wall');
  return { options: faults.length === 0 ? options : null, faults };
}

function whole(text, most, name, faults) {
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) > most) faults.push(`${name} must be a whole number up to ${most}`);
  return Number(text);
}

function readGenesis(file, faults) {
  if (file === undefined) return null;
  try {
    return asBalances(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    faults.push(`--genesis ${file}: ${error.message}`);
    return null;
  }
}
