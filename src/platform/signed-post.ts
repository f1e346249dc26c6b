import { once } from 'node:events';
import { request as requestHttp, type Agent, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';

import {
  answerMac,
  contentDigest,
  encodePushHeader,
  isSameMac,
  maxTimeBytes,
  methodOf,
  parseAnswerHeader,
  parseTime,
  requestMac,
  sha256,
  type SignedPath,
} from '../report/seal/push.ts';
import { boundAnswer } from './bound-answer.ts';
import { secondMs } from './units.ts';

export interface SignedPost {
  readonly url: URL;
  /** The path that the MAC covers. A proxy may use another path. */
  readonly path: SignedPath;
  readonly client: string;
  readonly key: Uint8Array;
  readonly body: Buffer;
  readonly signal: AbortSignal;
  /** The size at which the answer is cut. */
  readonly maxAnswerBytes: number;
  /** The agent; false for a connection of its own. */
  readonly agent: Agent | false;
}

export interface SignedAnswer {
  readonly status: number | undefined;
  readonly body: Buffer;
  /** True if the answer is 200 or 409 and has the MAC of a server that knows the key. */
  readonly isSigned: boolean;
}

/**
 * Sends a body with its MAC, and checks the MAC of the answer. Sends it again with a later time if the other side knows
 * a request that is as new: the clock was set back. Rejects with the network's error.
 */
export async function postSigned(post: SignedPost): Promise<SignedAnswer> {
  const answer = await postAt(post, Math.floor(Date.now() / secondMs));
  const newest = answer.status === 409 && answer.isSigned ? parseTime(answer.body) : null;
  return newest === null ? answer : await postAt(post, newest + 1);
}

/** Sends a body once. Does not read the body of an answer other than 200 and 409. Rejects with the network's error. */
async function postAt(post: SignedPost, time: number): Promise<SignedAnswer> {
  const { url, path, client, key, body, signal, agent } = post;
  signal.throwIfAborted();
  const digest = sha256(body);
  const mac = requestMac(key, time, digest.toString('hex'), path);
  const sent = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: methodOf(path),
    agent,
    signal,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': body.length,
      'Content-Digest': contentDigest(digest),
      'Fleet-Health': encodePushHeader({ client, time, mac }),
    },
  });
  boundAnswer(sent, post.maxAnswerBytes);
  // The rejection below tells of an error. After an abort nobody else listens, and the error would end the process.
  sent.on('error', () => undefined);
  // An answer 101 is an upgrade, after which Node reports neither an end nor a fault.
  const answers = ['response', 'upgrade'].map((event) => once(sent, event, { signal }));
  const answered = Promise.race(answers) as Promise<[IncomingMessage]>;
  sent.end(body);
  const [response] = await answered;
  const { statusCode: status } = response;
  if (status !== 200 && status !== 409) {
    response.destroy();
    return { status, body: Buffer.alloc(0), isSigned: false };
  }
  const answer = await readBeginning(response, status === 409 ? maxTimeBytes : post.maxAnswerBytes, true);
  if (agent === false) sent.destroy();
  const claimed = parseAnswerHeader(String(response.headers['fleet-health'] ?? ''));
  return { status, body: answer, isSigned: isSameMac(claimed, answerMac(key, mac, answer)) };
}

/** Reads a stream to its end and keeps its beginning. With `destroyed`, destroys the stream at the limit instead. */
export async function readBeginning(stream: Readable, maxBytes: number, destroyed = false): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (bytes < maxBytes) chunks.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
    if (destroyed && bytes > maxBytes) break;
  }
  return Buffer.concat(chunks);
}
