/**
 * Decides how a request reaches its handler and how every failure is answered: bounded bodies, named errors, no crash.
 * Does not know what the paths mean.
 */
import { createServer } from 'node:http';
import { MAX_TRANSACTION_BYTES } from '../wire/transaction.mjs';
import { WireError } from '../wire/reader.mjs';
import { controlRoutes } from './control-api.mjs';
import { extendedRoutes } from './extended-api.mjs';
import { nodeRoutes } from './node-api.mjs';
import { Refused, json } from './reply.mjs';

/** A transaction in hex, inside JSON. */
export const MAX_BODY_BYTES = 2 * MAX_TRANSACTION_BYTES + 1024;
const MAX_CONNECTIONS = 1024;
const REQUEST_TIMEOUT_MS = 30_000;

const ROUTES = [...nodeRoutes, ...extendedRoutes, ...controlRoutes].map(([method, path, handle]) => ({
  method, segments: path.split('/'), handle,
}));

/** An outage on request: every path but /devnet/... answers 503, or does not answer at all. */
class Fault {
  mode = 'none';
  #held = new Set();

  set(mode) {
    this.mode = mode;
    for (const socket of this.#held) socket.destroy();
    this.#held.clear();
  }

  hold(socket) {
    this.#held.add(socket);
    socket.once('close', () => this.#held.delete(socket));
  }
}

/** @param {import('../devnet.mjs').Devnet} devnet @param {typeof import('../log.mjs').log} log */
export function httpServer(devnet, log) {
  const fault = new Fault();
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, async (request, response) => {
    const url = new URL(request.url, 'http://devnet');
    if (fault.mode !== 'none' && !url.pathname.startsWith('/devnet/')) {
      if (fault.mode === 'hang') fault.hold(request.socket);
      else send(response, json({ error: 'the devnet plays an outage', reason: 'Fault' }, 503));
      return;
    }
    try {
      send(response, await answer({ devnet, fault }, request, url));
    } catch (error) {
      send(response, failure(error, request, log));
    }
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

async function answer(context, request, url) {
  const { route, params } = routed(request.method, url.pathname);
  const body = await readBody(request);
  const contentType = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  return route.handle({ ...context, params, query: url.searchParams, body, contentType });
}

function routed(method, pathname) {
  const segments = pathname.replace(/(.)\/$/, '$1').split('/').map(decoded);
  const matching = ROUTES.filter((route) => matches(route.segments, segments));
  if (matching.length === 0) throw new Refused(404, 'no such path');
  const route = matching.find((candidate) => candidate.method === method);
  if (route === undefined) throw new Refused(405, `${method} is not answered here`);
  const named = route.segments.flatMap((segment, i) => (segment.startsWith(':') ? [[segment.slice(1), segments[i]]] : []));
  return { route, params: Object.fromEntries(named) };
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refused(400, 'the path is not well encoded');
  }
}

function matches(pattern, segments) {
  return pattern.length === segments.length
    && pattern.every((segment, i) => segment.startsWith(':') || segment === segments[i]);
}

async function readBody(request) {
  const chunks = [];
  let length_bytes = 0;
  for await (const chunk of request) {
    length_bytes += chunk.length;
    if (length_bytes > MAX_BODY_BYTES) throw new Refused(413, `the body is above ${MAX_BODY_BYTES} bytes`, 'BodyTooLarge');
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

function failure(error, request, log) {
  if (error instanceof Refused) {
    return json({ error: error.message, ...(error.reason ? { reason: error.reason } : {}) }, error.status);
  }
  if (error instanceof WireError) return json({ error: error.message }, 400);
  log('request.failed', { method: request.method, path: request.url, error: String(error.stack ?? error) });
  return json({ error: 'the devnet failed at this request', reason: 'ServerFailure' }, 500);
}

function send(response, reply) {
  // A body that was not read to its end would be taken for the next request.
  const connection = reply.status === 413 ? { connection: 'close' } : {};
  response.writeHead(reply.status, {
    'content-type': reply.type, 'access-control-allow-origin': '*', ...connection,
  });
  response.end(reply.body);
}
