/**
 * Decides how the paths of the public Stacks API are answered (`/extended/v1/...`), as far as a client needs them to
 * follow its transactions and a contract's prints. Does not page through blocks or balances.
 */
import { parsePrincipal } from '../wire/address.mjs';
import { reprHex } from '../wire/value.mjs';
import { Refused, json } from './reply.mjs';

const MAX_EVENTS = 200;
const DEFAULT_EVENTS = 20;

const TYPES = { transfer: 'token_transfer', deploy: 'smart_contract', call: 'contract_call' };

export const extendedRoutes = [
  ['GET', '/extended/v1/tx/:txid', getTransaction],
  ['GET', '/extended/v1/tx/:txid/raw', getRaw],
  ['GET', '/extended/v1/contract/:contract/events', getEvents],
  ['GET', '/extended/v1/block/by_height/:height', getBlock],
  ['GET', '/extended/v1/address/:principal/nonces', getNonces],
];

async function getTransaction({ devnet, params }) {
  const txid = params.txid.replace(/^0x/, '');
  return devnet.read((chain) => {
    const tx = chain.transactions.get(txid);
    if (tx === undefined) throw new Refused(404, 'could not find transaction by ID');
    const block = chain.index.blockOf.get(txid);
    if (block !== undefined) return json({ ...described(tx), ...mined(tx, block, chain) });
    const waiting = devnet.pool.waiting.get(txid);
    const status = waiting === undefined ? devnet.dropped.get(txid) ?? 'dropped_stale_garbage_collect' : 'pending';
    const receipt_time = waiting?.receivedAt_s ?? null;
    return json({ ...described(tx), tx_status: status, receipt_time, receipt_time_iso: iso(receipt_time) });
  });
}

async function getRaw({ devnet, params }) {
  const tx = await devnet.read(({ transactions }) => transactions.get(params.txid.replace(/^0x/, '')));
  if (tx === undefined) throw new Refused(404, 'could not find transaction by ID');
  return json({ raw_tx: `0x${tx.hex}` });
}

/** Newest first, as the API has it; `order=asc` gives a follower oldest first. */
async function getEvents({ devnet, params, query }) {
  parsePrincipal(params.contract);
  const limit = Math.min(count(query, 'limit', DEFAULT_EVENTS), MAX_EVENTS);
  const offset = count(query, 'offset', 0);
  return devnet.read(({ index, transactions }) => {
    const prints = index.printsOf.get(params.contract) ?? [];
    const ordered = query.get('order') === 'asc' ? prints : prints.toReversed();
    const results = ordered.slice(offset, offset + limit).map(({ block, eventIndex }) => ({
      ...asEvent(block.outcome.events[eventIndex], eventIndex, transactions.get(block.txid)),
      block_height: block.height,
      block_hash: `0x${block.hash}`,
    }));
    return json({ limit, offset, total: prints.length, results });
  });
}

async function getBlock({ devnet, params }) {
  return devnet.read((chain) => {
    const block = /^[0-9]+$/.test(params.height) ? chain.blockAt(Number(params.height)) : null;
    if (block === null) throw new Refused(404, 'cannot find block by height');
    return json({
      canonical: true,
      height: block.height,
      hash: `0x${block.hash}`,
      parent_block_hash: `0x${block.parentHash}`,
      block_time: block.time_s,
      block_time_iso: iso(block.time_s),
      burn_block_height: block.burnHeight,
      burn_block_time: block.burnTime_s,
      burn_block_time_iso: iso(block.burnTime_s),
      txs: block.txid === null ? [] : [`0x${block.txid}`],
    });
  });
}

async function getNonces({ devnet, params }) {
  const { principal } = params;
  parsePrincipal(principal);
  return devnet.read(({ index }) => {
    const next = Number(index.nonce(principal));
    const waiting = devnet.pool.noncesOf(principal).map(Number);
    const last = waiting.at(-1) ?? null;
    const possible = Math.max(next, last === null ? 0 : last + 1);
    const missing = Array.from({ length: possible - next }, (_, i) => next + i).filter((n) => !waiting.includes(n));
    return json({
      last_mempool_tx_nonce: last,
      last_executed_tx_nonce: next === 0 ? null : next - 1,
      possible_next_nonce: possible,
      detected_missing_nonces: missing.reverse(),
      detected_mempool_nonces: waiting.reverse(),
    });
  });
}

function described(tx) {
  return {
    tx_id: `0x${tx.txid}`,
    nonce: Number(tx.nonce),
    fee_rate: `${tx.fee_ustx}`,
    sender_address: tx.sender,
    sponsored: false,
    post_condition_mode: tx.postConditionMode,
    anchor_mode: ['on_chain_only', 'off_chain_only', 'any'][tx.anchorMode - 1],
    tx_type: TYPES[tx.payload.kind],
    ...payload(tx),
    raw_tx: `0x${tx.hex}`,
  };
}

function payload({ payload: p, sender }) {
  switch (p.kind) {
    case 'transfer':
      return { token_transfer: { recipient_address: p.recipient, amount: `${p.amount_ustx}`, memo: `0x${p.memo}` } };
    case 'deploy':
      return {
        smart_contract: { contract_id: `${sender}.${p.name}`, clarity_version: p.clarityVersion, source_code: p.source },
      };
    default: {
      const function_args = p.args.map(({ hex }) => ({ hex: `0x${hex}`, repr: reprHex(hex) }));
      return { contract_call: { contract_id: p.contract, function_name: p.fn, function_args } };
    }
  }
}

function mined(tx, block, chain) {
  const { outcome } = block;
  return {
    canonical: true,
    tx_status: outcome.status,
    tx_result: { hex: outcome.result, repr: reprHex(outcome.result) },
    vm_error: outcome.vmError,
    block_hash: `0x${block.hash}`,
    parent_block_hash: `0x${block.parentHash}`,
    block_height: block.height,
    block_time: block.time_s,
    block_time_iso: iso(block.time_s),
    burn_block_height: block.burnHeight,
    burn_block_time: block.burnTime_s,
    confirmations: chain.tip.height - block.height + 1,
    tx_index: 0,
    event_count: outcome.events.length,
    events: outcome.events.map((event, i) => asEvent(event, i, tx)),
    ...costs(outcome.costs),
  };
}

function costs(total) {
  return Object.fromEntries(Object.entries(total ?? {}).map(([name, value]) => [`execution_cost_${name}`, value]));
}

function asEvent({ event, data }, event_index, tx) {
  const base = { event_index, tx_id: `0x${tx.txid}` };
  if (event === 'print_event') {
    const { contract_identifier: contract_id, topic, raw_value: hex } = data;
    return { ...base, event_type: 'smart_contract_log', contract_log: { contract_id, topic, value: { hex, repr: reprHex(hex) } } };
  }
  const [family, action] = event.split('_');
  const { asset_identifier: asset_id, sender, recipient, amount, raw_value: hex } = data;
  const value = hex === undefined ? undefined : { hex, repr: reprHex(hex) };
  const event_type = { stx: 'stx_asset', ft: 'fungible_token_asset', nft: 'non_fungible_token_asset' }[family] ?? event;
  return { ...base, event_type, asset: { asset_event_type: action, asset_id, sender, recipient, amount, value } };
}

function count(query, name, fallback) {
  const given = query.get(name);
  if (given === null) return fallback;
  if (!/^[0-9]{1,9}$/.test(given)) throw new Refused(400, `${name} must be a count`);
  return Number(given);
}

function iso(time_s) {
  return time_s === null ? null : new Date(time_s * 1000).toISOString();
}
