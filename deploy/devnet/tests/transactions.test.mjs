/** What becomes of transactions: outcomes, events, fees, reads, post-conditions and every refusal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Pc } from '@stacks/transactions';
import {
  COUNTER, Cl, Client, FUNDS_USTX, accounts, signedCall, signedDeploy, signedTransfer, temporaryState,
} from './harness.mjs';

const { alice, bob, carol, dave, erin } = accounts;
const counter = `${alice.address}.counter`;
const state = temporaryState();
let net;

before(async () => {
  net = await Client.start(state.directory);
  assert.equal((await net.deploy(alice, 'counter', COUNTER)).tx_status, 'success');
});

after(async () => {
  await net?.stop();
  state.remove();
});

async function refusal(transaction) {
  return refusalOf(await net.submit(transaction.serializeBytes()));
}

function refusalOf({ status, body }) {
  assert.equal(status, 400);
  assert.equal(body.error, 'transaction rejected');
  return body;
}

test('a deployed contract is found by its interface and its source, compiled as Clarity 6', async () => {
  const found = await net.get(`/v2/contracts/interface/${alice.address}/counter`);
  assert.equal(found.body.clarity_version, 'Clarity6');
  assert.ok(found.body.functions.some(({ name, access }) => name === 'add' && access === 'public'));
  const source = await net.get(`/v2/contracts/source/${alice.address}/counter?proof=0`);
  assert.equal(source.body.source, COUNTER);
  assert.equal(source.body.publish_height, 2);
});

test('a versioned deploy compiles as the version that it names', async () => {
  const tx = await net.run(await signedDeploy(alice, await net.nonce(alice), 'older', '(define-read-only (one) u1)', 5));
  assert.equal(tx.smart_contract.clarity_version, 5);
  assert.equal((await net.get(`/v2/contracts/interface/${alice.address}/older`)).body.clarity_version, 'Clarity5');
});

test('a deploy that does not compile is mined as aborted, and its name may be tried again', async () => {
  const failed = await net.deploy(alice, 'second', '(no-such-function)');
  assert.equal(failed.tx_status, 'abort_by_response');
  assert.match(failed.vm_error, /unresolved function/);
  assert.equal((await net.get(`/v2/contracts/source/${alice.address}/second`)).status, 404);
  assert.equal((await net.deploy(alice, 'second', '(define-read-only (one) u1)')).tx_status, 'success');
});

test('a call changes state, prints an event and says so', async () => {
  const tx = await net.call(bob, 'add', [Cl.uint(5)]);
  assert.equal(tx.tx_status, 'success');
  assert.deepEqual(tx.tx_result, { hex: '0x070100000000000000000000000000000005', repr: '(ok u5)' });
  assert.equal(tx.event_count, 1);
  assert.match(tx.events[0].contract_log.value.repr, /\(topic "added"\)/);
  const height = (await net.get('/v2/info')).body.stacks_tip_height;
  assert.equal(tx.block_height, height);
  assert.match(tx.events[0].contract_log.value.repr, new RegExp(`\\(at u${height}\\)`));
  const events = (await net.get(`/extended/v1/contract/${counter}/events?limit=1&offset=0`)).body;
  assert.equal(events.results[0].tx_id, tx.tx_id);
  assert.equal((await net.readOnly('get-total')).result, Cl.serialize(Cl.uint(5)).replace(/^/, '0x'));
  assert.equal((await net.get(`/v3/transaction/${tx.tx_id.slice(2)}`)).body.result, tx.tx_result.hex.slice(2));
});

test('an (err) aborts: state and events are gone, the fee and the nonce are spent', async () => {
  const funds = await net.balance(bob.address);
  const nonce = await net.nonce(bob);
  const tx = await net.call(bob, 'refuse');
  assert.equal(tx.tx_status, 'abort_by_response');
  assert.equal(tx.tx_result.repr, '(err u7)');
  assert.equal(tx.event_count, 0);
  assert.equal(await net.balance(bob.address), funds - 10_000n);
  assert.equal(await net.nonce(bob), nonce + 1);
  assert.notEqual((await net.readOnly('get-total')).result, `0x${Cl.serialize(Cl.uint(999))}`);
});

test('a runtime error aborts with (err none) and charges the fee', async () => {
  const funds = await net.balance(bob.address);
  const tx = await net.call(bob, 'boom');
  assert.equal(tx.tx_status, 'abort_by_response');
  assert.equal(tx.tx_result.repr, '(err none)');
  assert.match(tx.vm_error, /DivisionByZero/);
  assert.equal(await net.balance(bob.address), funds - 10_000n);
});

test('a transfer moves the amount and costs the fee', async () => {
  const tx = await net.run(await signedTransfer(carol, 0, erin.address, 1234));
  assert.equal(tx.tx_status, 'success');
  assert.equal(await net.balance(erin.address), 1234n);
  assert.equal(await net.balance(carol.address), BigInt(FUNDS_USTX) - 1234n - 10_000n);
  assert.deepEqual(tx.events.map(({ asset }) => [asset.asset_event_type, asset.amount]), [['transfer', '1234']]);
});

test('the node path takes hex in JSON, and stacks.js reads its answer', async () => {
  const first = await signedCall(bob, await net.nonce(bob), 'add', [Cl.uint(1)]);
  const posted = await net.submit(JSON.stringify({ tx: first.serialize() }), 'application/json');
  assert.deepEqual(posted, { status: 200, body: first.txid() });
  assert.equal((await net.tx(first.txid())).tx_status, 'pending');
  assert.equal((await net.submit(first.serializeBytes())).status, 200, 'a second submission is no error');
  await net.mine();
  const second = await signedCall(bob, await net.nonce(bob), 'add', [Cl.uint(1)]);
  assert.deepEqual(await net.broadcast(second), { txid: second.txid() });
  await net.mine();
});

test('map entries and data variables are read as optional and plain values', async () => {
  await net.call(bob, 'note', [Cl.uint(3), Cl.stringAscii('hello')]);
  const route = `/v2/map_entry/${alice.address}/counter/notes?proof=0`;
  const key = (id) => `0x${Cl.serialize(Cl.tuple({ id: Cl.uint(id) }))}`;
  const expected = Cl.some(Cl.tuple({ text: Cl.stringAscii('hello'), 'import-wh': Cl.uint(7) }));
  assert.deepEqual((await net.post(route, key(3))).body, { data: `0x${Cl.serialize(expected)}` });
  assert.deepEqual((await net.post(route, key(4))).body, { data: '0x09' });
  assert.equal((await net.post(route, `0x${Cl.serialize(Cl.uint(1))}`)).status, 400);
  assert.match((await net.get(`/v2/data_var/${alice.address}/counter/total?proof=0`)).body.data, /^0x01/);
  assert.equal((await net.get(`/v2/data_var/${alice.address}/counter/nothing`)).status, 404);
});

test('a read-only call refuses what it cannot run and says why', async () => {
  assert.equal((await net.readOnly('get-note', [Cl.uint(77)])).result, '0x09');
  assert.deepEqual(await net.readOnly('add', [Cl.uint(1)]), { okay: false, cause: 'NotReadOnly' });
  assert.equal((await net.readOnly('get-note', [Cl.int(1)])).okay, false);
  assert.equal((await net.readOnly('nothing')).okay, false);
});

test('tuple keys out of byte order are refused, as stacks.js writes them for mixed case', async () => {
  const signed = await signedCall(bob, await net.nonce(bob), 'add', [Cl.tuple({ a: Cl.uint(1), Z: Cl.uint(2) })]);
  const { reason, reason_data } = await refusal(signed);
  assert.equal(reason, 'Deserialization');
  assert.match(reason_data.message, /out of byte order/);
  const reading = Cl.tuple({ importer: Cl.uint(2), 'import-wh': Cl.uint(9) });
  assert.equal((await net.call(bob, 'weigh', [reading])).tx_result.repr, '(ok u9)');
});

test('several transactions of one sender go in one after another, a block each', async () => {
  const start = await net.nonce(dave);
  const txids = [];
  for (const i of [2, 0, 1]) {
    const signed = await signedCall(dave, start + i, 'add', [Cl.uint(1)]);
    txids[i] = (await net.submit(signed.serializeBytes())).body;
  }
  const tip = await net.mine(3);
  const mined = await Promise.all(txids.map((txid) => net.tx(txid)));
  assert.deepEqual(mined.map(({ block_height }) => tip.height - block_height), [2, 1, 0]);
  assert.deepEqual(mined.map(({ confirmations }) => confirmations), [3, 2, 1]);
});

test('post-conditions that hold let a call through, and broken ones undo it but charge the fee', async () => {
  const nonce = () => net.nonce(dave);
  const paying = async (options) => net.run(
    await signedCall(dave, await nonce(), 'pay', [Cl.uint(50), Cl.principal(erin.address)], options),
  );
  const funds = await net.balance(erin.address);
  const exact = Pc.principal(dave.address).willSendEq(50).ustx();
  assert.equal((await paying({ postConditionMode: 'deny', postConditions: [exact] })).tx_status, 'success');
  const tooLittle = Pc.principal(dave.address).willSendLt(50).ustx();
  const broken = await paying({ postConditionMode: 'allow', postConditions: [tooLittle] });
  assert.equal(broken.tx_status, 'abort_by_post_condition');
  assert.match(broken.vm_error, /Post-condition check failure/);
  assert.equal((await paying({ postConditionMode: 'deny' })).tx_status, 'abort_by_post_condition');
  assert.equal(await net.balance(erin.address), funds + 50n);
  assert.equal(await nonce(), 6);
});

test('post-conditions on tokens are checked by asset and by id', async () => {
  await net.call(carol, 'grant');
  const giving = async (postConditions) => net.run(
    await signedCall(carol, await net.nonce(carol), 'give', [Cl.principal(erin.address)], { postConditionMode: 'deny', postConditions }),
  );
  const two = Pc.principal(carol.address).willSendEq(2).ft(counter, 'credit');
  const deed = (id) => Pc.principal(carol.address).willSendAsset().nft(`${counter}::deed`, Cl.uint(id));
  assert.equal((await giving([two])).tx_status, 'abort_by_post_condition');
  assert.equal((await giving([two, deed(2)])).tx_status, 'abort_by_post_condition');
  assert.equal((await giving([two, deed(1)])).tx_status, 'success');
});

test('a signature of another key is refused', async () => {
  const signed = await signedCall(bob, await net.nonce(bob), 'add', [Cl.uint(1)]);
  const bytes = signed.serializeBytes();
  bytes[60] ^= 1;
  assert.equal(refusalOf(await net.submit(bytes)).reason, 'SignatureValidation');
});

test('a high-S signature is refused, as nodes do since it makes ids malleable', async () => {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const bytes = (await signedCall(bob, await net.nonce(bob), 'add', [Cl.uint(1)])).serializeBytes();
  const s = BigInt(`0x${Buffer.from(bytes.subarray(77, 109)).toString('hex')}`);
  bytes[44] ^= 1;
  bytes.set(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'), 77);
  assert.match(refusalOf(await net.submit(bytes)).reason_data.message, /high-S/);
});

test('a spent nonce is refused with the expected one', async () => {
  const { reason, reason_data } = await refusal(await signedCall(alice, 0, 'add', [Cl.uint(1)]));
  assert.equal(reason, 'BadNonce');
  assert.deepEqual([reason_data.actual, reason_data.expected], [0, await net.nonce(alice)]);
});

test('more than 25 nonces ahead is refused', async () => {
  const nonce = await net.nonce(alice);
  const { reason, reason_data } = await refusal(await signedCall(alice, nonce + 27, 'add', [Cl.uint(1)]));
  assert.equal(reason, 'TooMuchChaining');
  assert.equal(reason_data.expected, nonce + 26);
  const within = await signedCall(alice, nonce + 26, 'add', [Cl.uint(1)]);
  assert.equal((await net.submit(within.serializeBytes())).status, 200);
  const { detected_missing_nonces } = (await net.get(`/extended/v1/address/${alice.address}/nonces`)).body;
  assert.equal(detected_missing_nonces.length, 26);
});

test('a fee below one microSTX a byte is refused', async () => {
  const { reason, reason_data } = await refusal(await signedCall(bob, await net.nonce(bob), 'add', [Cl.uint(1)], { fee: 10 }));
  assert.equal(reason, 'FeeTooLow');
  assert.ok(reason_data.expected > 100);
});

test('spending more than the balance is refused', async () => {
  const { reason, reason_data } = await refusal(await signedTransfer(erin, 0, bob.address, FUNDS_USTX));
  assert.equal(reason, 'NotEnoughFunds');
  assert.match(reason_data.expected, /^0x[0-9a-f]{32}$/);
});

test('calls of what is not there, or with wrong arguments, are refused', async () => {
  const nonce = await net.nonce(bob);
  const reasonOf = async (fn, args, options) => (await refusal(await signedCall(bob, nonce, fn, args, options))).reason;
  assert.equal(await reasonOf('add', [Cl.uint(1)], { contractName: 'nothing' }), 'NoSuchContract');
  assert.equal(await reasonOf('nothing', []), 'NoSuchPublicFunction');
  assert.equal(await reasonOf('get-total', []), 'NoSuchPublicFunction');
  assert.equal(await reasonOf('add', [Cl.int(1)]), 'BadFunctionArgument');
  assert.equal(await reasonOf('add', []), 'BadFunctionArgument');
  assert.equal(await reasonOf('note', [Cl.uint(1), Cl.stringAscii('x'.repeat(21))]), 'BadFunctionArgument');
});

test('deploying a name twice is refused', async () => {
  const { reason, reason_data } = await refusal(await signedDeploy(alice, await net.nonce(alice), 'counter', COUNTER));
  assert.equal(reason, 'ContractAlreadyExists');
  assert.equal(reason_data.contract_identifier, counter);
});

test('a mainnet transaction is refused by its version', async () => {
  const signed = await signedTransfer(bob, await net.nonce(bob), 'SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7', 1, { network: 'mainnet' });
  assert.equal((await refusal(signed)).reason, 'BadTransactionVersion');
});

test('a transfer to oneself or of nothing is refused', async () => {
  const nonce = await net.nonce(bob);
  assert.equal((await refusal(await signedTransfer(bob, nonce, bob.address, 1))).reason, 'TransferRecipientCannotEqualSender');
  assert.equal((await refusal(await signedTransfer(bob, nonce, erin.address, 0))).reason, 'TransferAmountMustBePositive');
});

test('the same nonce needs a higher fee to replace', async () => {
  const nonce = await net.nonce(bob);
  const first = await signedCall(bob, nonce, 'add', [Cl.uint(1)]);
  const same = await signedCall(bob, nonce, 'add', [Cl.uint(2)]);
  const higher = await signedCall(bob, nonce, 'add', [Cl.uint(3)], { fee: 20_000 });
  assert.equal((await net.submit(first.serializeBytes())).status, 200);
  assert.equal((await refusal(same)).reason, 'ConflictingNonceInMempool');
  assert.equal((await net.submit(higher.serializeBytes())).status, 200);
  assert.equal((await net.tx(first.txid())).tx_status, 'dropped_replace_by_fee');
  await net.mine();
  assert.equal((await net.tx(higher.txid())).tx_status, 'success');
});

test('bytes that are no transaction are refused by name and never end the server', async () => {
  const whole = (await signedCall(bob, await net.nonce(bob), 'add', [Cl.uint(1)])).serializeBytes();
  const cases = [Uint8Array.of(0x80), whole.subarray(0, 120), Buffer.concat([whole, Uint8Array.of(0)])];
  for (let i = 0; i < 200; i += 1) {
    const bent = Uint8Array.from(whole);
    bent[i % whole.length] = (i * 37) & 0xff;
    cases.push(bent.subarray(0, whole.length - (i % 7)));
  }
  for (const bytes of cases) refusalOf(await net.submit(bytes));
  assert.equal(refusalOf(await net.submit(cases[1])).reason, 'Deserialization');
  assert.equal((await net.submit(whole, 'text/plain')).status, 400);
  assert.equal((await net.submit('{"tx": 5}', 'application/json')).status, 400);
  assert.equal((await net.submit('{', 'application/json')).status, 400);
  assert.equal((await net.submit(new Uint8Array(5_000_000))).body.reason, 'BodyTooLarge');
  assert.equal((await net.get('/devnet/health')).body.ok, true);
});

test('unknown paths, methods, principals and transactions are answered by name', async () => {
  assert.equal((await net.get('/v2/nothing')).status, 404);
  assert.equal((await net.get('/v2/transactions')).status, 405);
  assert.equal((await net.get('/v2/accounts/ST123')).status, 400);
  assert.equal((await net.get(`/extended/v1/tx/0x${'00'.repeat(32)}`)).status, 404);
  assert.equal((await net.get('/v2/accounts/%ff')).status, 400);
});

test('fees are estimated in the shape of a node', async () => {
  assert.equal((await net.get('/v2/fees/transfer')).body, 1);
  const { body } = await net.post('/v2/fees/transaction', { transaction_payload: '00'.repeat(100), estimated_len: 400 });
  assert.deepEqual(body.estimations.map(({ fee }) => fee), [400, 800, 1600]);
});

test('an outage on request rejects, hangs and ends', async () => {
  await net.post('/devnet/fault', { mode: 'reject' });
  assert.equal((await net.get('/v2/info')).status, 503);
  await net.post('/devnet/fault', { mode: 'hang' });
  await assert.rejects(fetch(`${net.url}/v2/info`, { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
  await net.post('/devnet/fault', { mode: 'none' });
  assert.equal((await net.get('/v2/info')).status, 200);
  assert.equal((await net.post('/devnet/fault', { mode: 'else' })).status, 400);
});
