/** Starts the real server as a process and signs with stacks.js, which the server itself does not use. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  Cl, broadcastTransaction, getAddressFromPrivateKey, makeContractCall, makeContractDeploy, makeSTXTokenTransfer,
} from '@stacks/transactions';

export { Cl };

const SERVER = fileURLToPath(new URL('../server.mjs', import.meta.url));
export const FUNDS_USTX = 10_000_000_000_000;
const FEE_USTX = 10_000;

/** Throw-away keys of repeated digits, funded by the tests' own genesis only. */
export const accounts = Object.fromEntries(['alice', 'bob', 'carol', 'dave', 'erin'].map((name, i) => {
  const key = `${String(i + 1).repeat(64)}01`;
  return [name, { name, key, address: getAddressFromPrivateKey(key, 'testnet') }];
}));

export const COUNTER = `
(define-map notes { id: uint } { text: (string-ascii 20), import-wh: uint })
(define-data-var total uint u0)
(define-fungible-token credit)
(define-non-fungible-token deed uint)
(define-read-only (get-note (id uint)) (map-get? notes { id: id }))
(define-read-only (get-total) (var-get total))
(define-read-only (get-time) stacks-block-time)
(define-public (add (amount uint))
  (begin
    (var-set total (+ (var-get total) amount))
    (print { topic: "added", amount: amount, by: contract-caller, at: stacks-block-height })
    (ok (var-get total))))
(define-public (note (id uint) (text (string-ascii 20)))
  (ok (map-set notes { id: id } { text: text, import-wh: u7 })))
(define-public (refuse) (begin (var-set total u999) (print "never seen") (err u7)))
(define-public (boom) (begin (var-set total u999) (ok (/ u1 u0))))
(define-public (pay (amount uint) (to principal)) (stx-transfer? amount tx-sender to))
(define-public (grant) (begin (try! (ft-mint? credit u5 tx-sender)) (nft-mint? deed u1 tx-sender)))
(define-public (give (to principal))
  (begin (try! (ft-transfer? credit u2 tx-sender to)) (nft-transfer? deed u1 tx-sender to)))
(define-public (weigh (reading { import-wh: uint, importer: uint })) (ok (get import-wh reading)))
`;

export function temporaryState() {
  const directory = mkdtempSync(path.join(tmpdir(), 'wattest-devnet-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** A running devnet and the few requests that the tests make of it. */
export class Client {
  constructor(child, port, lines) {
    this.child = child;
    this.url = `http://127.0.0.1:${port}`;
    this.stderr = lines;
  }

  static async start(directory, extra = ['--block-ms', '0'], genesis = defaultGenesis()) {
    const file = path.join(directory, 'genesis.json');
    writeFileSync(file, JSON.stringify(genesis));
    const args = [SERVER, '--port', '0', '--state', path.join(directory, 'state'), '--genesis', file, ...extra];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = [];
    createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
    const ready = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('exit', (code) => reject(new Error(`exit ${code}: ${lines.join('\n')}`)));
    });
    return new Client(child, JSON.parse(ready).port, lines);
  }

  /** @returns {Promise<number | null>} exit code */
  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const ended = new Promise((resolve) => { this.child.once('exit', resolve); });
    this.child.kill(signal);
    return ended;
  }

  async get(route) {
    return body(await fetch(this.url + route));
  }

  async post(route, value) {
    const headers = { 'content-type': 'application/json' };
    return body(await fetch(this.url + route, { method: 'POST', headers, body: JSON.stringify(value) }));
  }

  async submit(bytes, contentType = 'application/octet-stream') {
    const headers = { 'content-type': contentType };
    return body(await fetch(`${this.url}/v2/transactions`, { method: 'POST', headers, body: bytes }));
  }

  async nonce({ address }) {
    return (await this.get(`/v2/accounts/${address}?proof=0`)).body.nonce;
  }

  async balance(principal) {
    return BigInt((await this.get(`/v2/accounts/${principal}?proof=0`)).body.balance);
  }

  async mine(blocks = 1) {
    const { status, body: tip } = await this.post('/devnet/mine', { blocks });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(tip)}`);
    return tip;
  }

  async tx(txid) {
    return (await this.get(`/extended/v1/tx/0x${txid}`)).body;
  }

  /** Signs and submits, mines it, and gives what became of it. */
  async run(transaction) {
    const answer = await this.submit(transaction.serializeBytes());
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    await this.mine();
    return this.tx(answer.body);
  }

  async call(from, fn, args = [], options = {}) {
    return this.run(await signedCall(from, await this.nonce(from), fn, args, options));
  }

  async deploy(from, name, source) {
    return this.run(await signedDeploy(from, await this.nonce(from), name, source));
  }

  async readOnly(fn, args = [], owner = accounts.alice) {
    const route = `/v2/contracts/call-read/${owner.address}/counter/${fn}`;
    const hex = args.map((arg) => `0x${Cl.serialize(arg)}`);
    return (await this.post(route, { sender: owner.address, arguments: hex })).body;
  }

  /** stacks.js's own way to submit, for the shape of the answer. */
  broadcast(transaction) {
    return broadcastTransaction({ transaction, network: 'testnet', client: { baseUrl: this.url } });
  }
}

export function defaultGenesis() {
  const funded = Object.values(accounts).filter(({ name }) => name !== 'erin');
  return Object.fromEntries(funded.map(({ address }) => [address, FUNDS_USTX]));
}

export function signedCall(from, nonce, fn, args = [], options = {}) {
  return makeContractCall({
    contractAddress: accounts.alice.address, contractName: 'counter', functionName: fn, functionArgs: args,
    senderKey: from.key, network: 'testnet', nonce, fee: FEE_USTX, postConditionMode: 'allow', ...options,
  });
}

/** Unversioned unless asked: stacks.js itself would name Clarity 4. */
export function signedDeploy(from, nonce, contractName, codeBody, clarityVersion = undefined) {
  const common = { contractName, codeBody, senderKey: from.key, network: 'testnet', nonce, fee: FEE_USTX };
  return makeContractDeploy({ ...common, clarityVersion });
}

export function signedTransfer(from, nonce, recipient, amount, options = {}) {
  return makeSTXTokenTransfer({
    recipient, amount, senderKey: from.key, network: 'testnet', nonce, fee: FEE_USTX, memo: 'm', ...options,
  });
}

async function body(response) {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}
