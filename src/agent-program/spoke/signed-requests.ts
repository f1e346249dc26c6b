/** src/agent-program/spoke: answers to a collector that requests reports over HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  answerMac,
  encodeAnswerHeader,
  isSameMac,
  parseContentDigest,
  parsePushHeader,
  pushKeyBytes,
  pushLimits,
  pushMarker,
  requestMac,
  sha256,
  type SignedPath,
} from '../../report/seal/push.ts';
import type { AgentSettings } from '../settings.ts';
import { plainAnswer, send, type SpokeAnswer } from './spoke-answer.ts';

/** The most bytes of a body: the acknowledgements of one stream, with something before them. */
const maxBodyBytes = 4096 + pushMarker.length * (1 + pushLimits.maxReports);
/** The number of remembered requests: several days of a collector that polls every five minutes. */
const maxRemembered = 2000;

const strange = 'This is no request of the collector of this machine.';

/** Answers the body of an authenticated request. */
export type SignedRoute = (body: Buffer) => Promise<Buffer | SpokeAnswer>;

type SignedRequests = (
  path: SignedPath,
  request: readonly [IncomingMessage, ServerResponse],
  route: SignedRoute,
  onRefused: (address: string, reason: string) => void,
) => Promise<void>;

/**
 * Returns a function that accepts requests with the MAC of the collector, one at a time and each once, and signs the
 * answers. Requests for another client's name, with a wrong MAC, and all requests if this machine is not enrolled get
 * the same answer, and their bodies are not read.
 */
export function signedRequests({ client, enrolment }: AgentSettings): SignedRequests {
  const noKey = Buffer.alloc(pushKeyBytes);
  const seen = new Set<string>();
  let isBusy = false;

  const macOf = ({ headers }: IncomingMessage, path: SignedPath): Sender | string => {
    const header = parsePushHeader(String(headers['fleet-health'] ?? ''));
    const digest = parseContentDigest(String(headers['content-digest'] ?? ''));
    const key = enrolment?.pushKey ?? noKey;
    // Always computed, so that the time of the answer reveals nothing.
    const mac = requestMac(key, header?.time ?? 0, (digest ?? noKey).toString('hex'), path);
    const isSame = isSameMac(header?.mac ?? '', mac);
    if (enrolment === null) return 'this machine is not enrolled';
    if (header === null || digest === null) return 'the header Fleet-Health or Content-Digest is missing';
    if (header.client !== client) return 'it is for another client';
    if (!isSame) return 'the MAC is wrong: the key was rotated, or the request was made by somebody else';
    return seen.has(mac) ? 'the same request was made before' : { key, digest, mac };
  };

  return async (path, [incoming, outgoing], route, onRefused) => {
    const refused = (status: number, reason: string, words: string): SpokeAnswer => {
      onRefused(incoming.socket.remoteAddress ?? '', reason);
      return plainAnswer(status, words, status === 503 ? { 'Retry-After': '10' } : {});
    };
    const take = async (): Promise<SpokeAnswer> => {
      const sender = macOf(incoming, path);
      if (typeof sender === 'string') return refused(401, sender, strange);
      const length = Number(incoming.headers['content-length'] ?? NaN);
      if (!Number.isFinite(length)) return refused(411, 'it has no Content-Length', 'Content-Length is needed.');
      if (length > maxBodyBytes)
        return refused(413, 'its body is too large', `At most ${maxBodyBytes} bytes are taken.`);
      if (isBusy) return refused(503, 'another request is under way', 'Another request is under way.');
      isBusy = true;
      try {
        const body = await readBody(incoming);
        const isSame = sha256(body).equals(sender.digest);
        return isSame ? await answer(sender, body) : refused(401, 'the body is not the one of its digest', strange);
      } finally {
        isBusy = false;
      }
    };
    const answer = async ({ key, mac }: Sender, body: Buffer): Promise<SpokeAnswer> => {
      seen.add(mac);
      const [oldest] = seen;
      if (seen.size > maxRemembered && oldest !== undefined) seen.delete(oldest);
      const answered = await route(body);
      if (!Buffer.isBuffer(answered)) return answered;
      const signature = encodeAnswerHeader(answerMac(key, mac, answered));
      const headers = { 'Content-Type': 'application/octet-stream', 'Fleet-Health': signature };
      return { status: 200, headers, body: answered };
    };
    send(outgoing, await take());
  };
}

/** An authenticated request of the collector. */
interface Sender {
  readonly key: Buffer;
  readonly digest: Buffer;
  readonly mac: string;
}

/** Reads a body, whose length Node limits to its Content-Length. */
async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
