/**
 * Decides whether a transaction's post-conditions hold, from the events that it emitted.
 * Covers STX, fungible and non-fungible assets in the modes allow, deny and originator; conditions on staking are
 * refused at admission. Does not know how to undo a transaction: that is `chain.mjs`.
 */

const COMPARE = {
  1: (sent, amount) => sent === amount,
  2: (sent, amount) => sent > amount,
  3: (sent, amount) => sent >= amount,
  4: (sent, amount) => sent < amount,
  5: (sent, amount) => sent <= amount,
};
const NFT_SENT = 0x10;
const NFT_NOT_SENT = 0x11;
const STX = 'STX';

/**
 * @param {import('./wire/transaction.mjs').Transaction} tx
 * @param {{event: string, data: any}[]} events of the operation, without the fee
 * @returns {string | null} what was violated
 */
export function violation(tx, events) {
  // The chain does not hold a plain transfer to its mode: it says itself what it moves.
  if (tx.payload.kind === 'transfer') return null;
  const sent = assetsSent(events);
  const covered = new Set();
  for (const condition of tx.postConditions) {
    const owner = condition.principal ?? tx.sender;
    const fault = conditionFault(condition, owner, sent);
    if (fault) return fault;
    covered.add(coverKey(condition, owner));
  }
  return uncovered(tx, sent, covered);
}

/** @returns {Map<string, {owner: string, asset: string, amount: bigint, ids: Set<string>, isNft: boolean}>} */
function assetsSent(events) {
  const sent = new Map();
  for (const { event, data } of events) {
    if (!/^(stx|ft|nft)_(transfer|burn)_event$/.test(event)) continue;
    const asset = event.startsWith('stx') ? STX : data.asset_identifier;
    const key = `${data.sender} ${asset}`;
    const isNft = event.startsWith('nft');
    const entry = sent.get(key) ?? { owner: data.sender, asset, amount: 0n, ids: new Set(), isNft };
    if (isNft) entry.ids.add(data.raw_value.replace(/^0x/, ''));
    else entry.amount += BigInt(data.amount);
    sent.set(key, entry);
  }
  return sent;
}

function conditionFault(condition, owner, sent) {
  const asset = condition.asset ?? STX;
  const entry = sent.get(`${owner} ${asset}`);
  if (condition.kind === 'nft') {
    const isSent = entry?.ids.has(condition.value) ?? false;
    const holds = condition.code === NFT_SENT ? isSent : condition.code !== NFT_NOT_SENT || !isSent;
    return holds ? null : `Post-condition check failure on non-fungible asset ${asset} owned by ${owner}`;
  }
  const amount = entry?.amount ?? 0n;
  if (COMPARE[condition.code](amount, condition.amount)) return null;
  return `Post-condition check failure on ${asset} owned by ${owner}: ${amount} sent`;
}

function coverKey(condition, owner) {
  const key = `${owner} ${condition.asset ?? STX}`;
  return condition.kind === 'nft' ? `${key} ${condition.value}` : key;
}

function uncovered(tx, sent, covered) {
  if (tx.postConditionMode === 'allow') return null;
  for (const [key, { owner, asset, ids, isNft }] of sent) {
    if (tx.postConditionMode === 'originator' && owner !== tx.sender) continue;
    const isCovered = isNft ? [...ids].every((id) => covered.has(`${key} ${id}`)) : covered.has(key);
    if (!isCovered) return `Post-condition check failure: ${asset} was moved by ${owner} but not checked`;
  }
  return null;
}
