/**
 * Decides how the Stacks node's own paths are answered (`/v2/...`, `/v3/...`). Field names and refusals are the
 * node's; there are no MARF proofs, and the fee estimates are invented.
 */
import { argumentsFault, u128Hex } from '../admission.mjs';
import { isTestnet, parsePrincipal } from '../wire/address.mjs';
import { WireError, fromHex, toHex } from '../wire/reader.mjs';
import { TESTNET_CHAIN_ID, txidOf } from '../wire/transaction.mjs';
import { admits, decodeValue } from '../wire/value.mjs';
import { Refused, json, text } from './reply.mjs';

/** microSTX a byte: low, middle and high estimate. */
const FEE_RATES = [1, 2, 4];

/** What a call costs by the estimates, which nothing here depends on. */
const ESTIMATED_COST = { read_count: 10, read_length: 10_000, runtime: 1_000_000, write_count: 5, write_length: 1_000 };

const NO_HASH = '00'.repeat(20);

export const nodeRoutes = [
  ['POST', '/v2/transactions', postTransaction],
  ['GET', '/v2/accounts/:principal', getAccount],
  ['POST', '/v2/contracts/call-read/:address/:name/:fn', callRead],
  ['POST', '/v2/map_entry/:address/:name/:map', mapEntry],
  ['GET', '/v2/data_var/:address/:name/:variable', dataVar],
  ['GET', '/v2/contracts/interface/:address/:name', getInterface],
  ['GET', '/v2/contracts/source/:address/:name', getSource],
  ['GET', '/v2/info', getInfo],
  ['GET', '/v2/fees/transfer', () => json(FEE_RATES[0])],
  ['POST', '/v2/fees/transaction', estimateFee],
  ['GET', '/v3/transaction/:txid', getTransaction],
];

async function postTransaction({ devnet, body, contentType }) {
  const bytes = postedBytes(body, contentType);
  try {
    const { txid, rejection } = await devnet.submit(bytes);
    return rejection === null ? json(txid) : rejected(txid, rejection);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return rejected(txidOf(bytes), { reason: 'Deserialization', data: { message: error.message } });
  }
}

function postedBytes(body, contentType) {
  if (body.length === 0) throw new Refused(400, 'Invalid Http request: expected non-zero-length body for PostTransaction');
  switch (contentType) {
    case 'application/octet-stream': return body;
    case 'application/json': return fromHex(parseJson(body)?.tx);
    default:
      throw new Refused(400, 'Wrong Content-Type for transaction; expected application/json or application/octet-stream');
  }
}

function rejected(txid, { reason, data, status = 400 }) {
  const answer = { error: 'transaction rejected', reason, ...(data ? { reason_data: data } : {}), txid };
  return json(answer, status);
}

async function getAccount({ devnet, params, query }) {
  const { principal } = params;
  parsePrincipal(principal);
  const proofs = query.get('proof') === '0' ? {} : { balance_proof: '', nonce_proof: '' };
  return devnet.read(({ vm, index }) => json({
    balance: u128Hex(vm.balance_ustx(principal)),
    locked: u128Hex(0n),
    unlock_height: 0,
    nonce: Number(index.nonce(principal)),
    ...proofs,
  }));
}

async function callRead({ devnet, params, body }) {
  const contract = contractOf(params);
  const { sender, arguments: given } = parseJson(body) ?? {};
  if (typeof sender !== 'string' || !Array.isArray(given)) throw new Refused(400, 'sender and arguments are needed');
  const { version, contractName } = parsePrincipal(sender);
  if (!isTestnet(version) || contractName !== null) throw new Refused(400, 'the sender must be a testnet address');
  const args = given.map((hex) => ({ hex: toHex(fromHex(hex)), value: decodeValue(fromHex(hex)) }));
  const answer = await devnet.read((chain) => runReadOnly(chain, contract, params.fn, args, sender));
  return json('result' in answer ? { okay: true, result: answer.result } : { okay: false, cause: answer.cause });
}

function runReadOnly(chain, contract, fn, args, sender) {
  const declared = chain.interfaceOf(contract)?.functions.find(({ name }) => name === fn);
  if (chain.interfaceOf(contract) === null) return { cause: `Unchecked(NoSuchContract("${contract}"))` };
  if (declared === undefined || declared.access === 'private') {
    return { cause: `Unchecked(UndefinedFunction("${fn}"))` };
  }
  // A node also runs public functions that write nothing; this VM cannot take a write back.
  if (declared.access !== 'read_only') return { cause: 'NotReadOnly' };
  const fault = argumentsFault(declared, args.map(({ value }) => value));
  if (fault !== null) return { cause: `Unchecked(${fault})` };
  return chain.vm.readOnly(contract, fn, args.map(({ hex }) => hex), sender);
}

async function mapEntry({ devnet, params, query, body }) {
  const contract = contractOf(params);
  const key = fromHex(parseJson(body));
  const value = decodeValue(key);
  return devnet.read((chain) => {
    const declared = chain.interfaceOf(contract)?.maps.find(({ name }) => name === params.map);
    if (declared === undefined) throw new Refused(404, 'Map not found');
    if (!admits(declared.key, value)) throw new Refused(400, 'the key is not of the type of the map');
    return json({ data: chain.vm.mapEntry(contract, params.map, key), ...proof(query) });
  });
}

async function dataVar({ devnet, params, query }) {
  const contract = contractOf(params);
  return devnet.read((chain) => {
    const isKnown = chain.interfaceOf(contract)?.variables
      .some(({ name, access }) => name === params.variable && access === 'variable');
    if (!isKnown) throw new Refused(404, 'Data var not found');
    return json({ data: chain.vm.dataVar(contract, params.variable), ...proof(query) });
  });
}

async function getInterface({ devnet, params }) {
  const found = await devnet.read((chain) => chain.interfaceOf(contractOf(params)));
  if (found === null) throw new Refused(404, 'No contract interface data found');
  return json(found);
}

async function getSource({ devnet, params, query }) {
  const contract = contractOf(params);
  return devnet.read(({ vm, index }) => {
    const publish_height = index.deployedAt.get(contract);
    if (publish_height === undefined) throw new Refused(404, 'No contract source data found');
    const marf = query.get('proof') === '0' ? {} : { marf_proof: '' };
    return json({ source: vm.sourceOf(contract), publish_height, ...marf });
  });
}

async function getInfo({ devnet }) {
  return devnet.read(({ tip, blocks }) => json({
    peer_version: 0x18000000 + 0x10,
    pox_consensus: NO_HASH,
    burn_block_height: tip.burnHeight,
    stable_pox_consensus: NO_HASH,
    stable_burn_block_height: tip.burnHeight,
    server_version: 'wattest-devnet (Clarity VM of clarinet-sdk 3.21.0, epoch 4.0)',
    network_id: TESTNET_CHAIN_ID,
    parent_network_id: 0xdab5bffa,
    stacks_tip_height: tip.height,
    stacks_tip: tip.hash,
    stacks_tip_consensus_hash: tip.hash.slice(0, 40),
    genesis_chainstate_hash: blocks[0].hash,
    unanchored_tip: null,
    unanchored_seq: null,
    tenure_height: tip.burnHeight,
    exit_at_block_height: null,
    is_fully_synced: true,
    stackerdbs: [],
  }));
}

function estimateFee({ body }) {
  const { transaction_payload: payload, estimated_len: length } = parseJson(body) ?? {};
  const size_bytes = Math.max(fromHex(payload).length + 180, Number.isSafeInteger(length) ? length : 0);
  return json({
    estimated_cost: ESTIMATED_COST,
    estimated_cost_scalar: size_bytes,
    cost_scalar_change_by_byte: 1,
    estimations: FEE_RATES.map((fee_rate) => ({ fee_rate, fee: fee_rate * size_bytes })),
  });
}

async function getTransaction({ devnet, params }) {
  const txid = params.txid.replace(/^0x/, '');
  return devnet.read(({ index, transactions }) => {
    const block = index.blockOf.get(txid);
    if (block === undefined) return text(`No such transaction ${txid}\n`, 404);
    return json({
      index_block_hash: block.hash,
      tx: transactions.get(txid).hex,
      result: block.outcome.result.replace(/^0x/, ''),
      block_height: block.height,
      is_canonical: true,
    });
  });
}

/** @returns {string} the contract's full id; throws WireError */
export function contractOf({ address, name }) {
  const contract = `${address}.${name}`;
  parsePrincipal(contract);
  return contract;
}

export function parseJson(body) {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new Refused(400, 'Failed to parse body');
  }
}

function proof(query) {
  return query.get('proof') === '0' ? {} : { proof: '' };
}
