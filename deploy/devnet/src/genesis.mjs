/**
 * Decides how a chain begins: its clock and who holds what. Written down once, and agreed with at every later start.
 */
import { JournalDamaged } from './journal.mjs';
import { BOOT_OFFSET_S } from './vm.mjs';
import { MINER, decodeAddress, isTestnet } from './wire/address.mjs';

const VERSION = 1;

/** What they gave at start cannot be served: a message for the operator, no stack. */
export class BadGenesis extends Error {}

/**
 * The genesis on record, which a given one must equal; a new one if there is no record.
 * @param {import('./journal.mjs').Journal} journal
 * @param {Record<string, bigint> | null} balances
 */
export function agreedGenesis(journal, balances) {
  const [record] = journal.records;
  if (record === undefined) return newGenesis(journal, balances ?? {});
  if (record.k !== 'genesis' || record.version !== VERSION) throw new JournalDamaged('the first record is no genesis');
  const genesis = { genesisTime_s: record.time_s, balances: asBalances(record.balances) };
  if (balances !== null && spell(balances) !== spell(genesis.balances)) {
    throw new BadGenesis('the state was begun with other genesis balances: give the same file, or another --state');
  }
  return genesis;
}

function newGenesis(journal, balances) {
  const genesisTime_s = Math.floor(Date.now() / 1000) - BOOT_OFFSET_S;
  journal.append([{ k: 'genesis', version: VERSION, time_s: genesisTime_s, balances: JSON.parse(spell(balances)) }]);
  return { genesisTime_s, balances };
}

function spell(balances) {
  return JSON.stringify(Object.fromEntries(Object.keys(balances).sort().map((key) => [key, `${balances[key]}`])));
}

/**
 * @param {unknown} given address to microSTX, as numbers or decimal strings
 * @returns {Record<string, bigint>} throws BadGenesis, WireError
 */
export function asBalances(given) {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new BadGenesis('not a JSON object');
  const balances = {};
  let total = 0n;
  for (const [address, amount] of Object.entries(given)) {
    if (!isTestnet(decodeAddress(address).version)) throw new BadGenesis(`${address} is not a testnet address`);
    if (!/^[0-9]+$/.test(`${amount}`)) throw new BadGenesis(`${amount} is no amount of microSTX`);
    balances[address] = BigInt(amount);
    total += balances[address];
  }
  // Amounts pass through JS numbers on their way into the VM.
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadGenesis(`${total} microSTX in all is above 2^53 - 1`);
  if (MINER in balances) throw new BadGenesis(`${MINER} collects the fees and begins with nothing`);
  return balances;
}
