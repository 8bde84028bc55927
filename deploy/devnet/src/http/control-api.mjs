/**
 * Decides what only a devnet can be asked: blocks, reorgs and outages on request. No node has these paths.
 */
import { MAX_MINE } from '../devnet.mjs';
import { parseJson } from './node-api.mjs';
import { Refused, json } from './reply.mjs';

const FAULTS = ['none', 'reject', 'hang'];

export const controlRoutes = [
  ['GET', '/devnet/health', health],
  ['POST', '/devnet/mine', mine],
  ['POST', '/devnet/reorg', reorg],
  ['POST', '/devnet/fault', setFault],
];

function health({ devnet, fault }) {
  const { chain, pool } = devnet;
  return json({ ok: true, ...tipOf(chain), fork: chain.fork, mempool: pool.size, fault: fault.mode });
}

/** Body {blocks?: 1..10000, burn?: boolean}. */
async function mine({ devnet, body }) {
  const { blocks = 1, burn = false } = asked(body);
  await devnet.mine(within(blocks, 1, MAX_MINE, 'blocks'), burn === true);
  return json(tipOf(devnet.chain));
}

/** Body {depth: 1.., drop?: boolean}: `drop` loses the transactions instead of putting them back into the mempool. */
async function reorg({ devnet, body }) {
  const { depth, drop = false } = asked(body);
  const most = devnet.chain.blocks.length - 1;
  const { returned, dropped } = await devnet.reorg(within(depth, 1, most, 'depth'), drop === true);
  return json({ ...tipOf(devnet.chain), fork: devnet.chain.fork, returned: prefixed(returned), dropped: prefixed(dropped) });
}

function setFault({ body, fault }) {
  const { mode } = asked(body);
  if (!FAULTS.includes(mode)) throw new Refused(400, `mode must be one of ${FAULTS.join(', ')}`);
  fault.set(mode);
  return json({ mode });
}

function tipOf({ tip }) {
  return { height: tip.height, hash: `0x${tip.hash}`, time_s: tip.time_s, burn_height: tip.burnHeight };
}

function asked(body) {
  const value = body.length === 0 ? {} : parseJson(body);
  if (typeof value !== 'object' || value === null) throw new Refused(400, 'a JSON object is needed');
  return value;
}

function within(value, least, most, what) {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new Refused(400, `${what} must be a whole number from ${least} to ${most}`);
}

function prefixed(txids) {
  return txids.map((txid) => `0x${txid}`);
}
