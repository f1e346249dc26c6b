import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';

import { secondMs } from '../../platform/units.ts';
import {
  answerMac,
  contentDigest,
  encodePushHeader,
  isSameMac,
  pushLimits,
  pushMarker,
  pushPath,
  requestMac,
  sha256,
} from '../../seal/push.ts';
import { answerFault, requestFault, sshFault, strangerFault } from './push-faults.ts';
import type { Enrolment } from './push-settings.ts';

/** Sends one stream. Returns the answer. Throws FleetError `push-failed` with what to do about it. */
export type PushWay = (body: Buffer, signal: AbortSignal) => Promise<Buffer>;

const timeoutMs = 60 * secondMs;
/** A login shell may print something before the acknowledgements. */
const maxAnswerBytes = 64 * 1024 + pushMarker.length * (1 + pushLimits.maxReports);
const maxComplaintBytes = 4096;

/** Returns the way to the collector that agent.json names. */
export function pushWay(client: string, enrolment: Enrolment): PushWay {
  return enrolment.to.protocol === 'ssh:' ? bySsh(enrolment) : byHttp(client, enrolment);
}

function byHttp(client: string, { to, pushKey }: Enrolment): PushWay {
  const url = new URL(to.pathname === '/' ? pushPath : to.pathname, to);
  return async (body, signal) => {
    const digest = sha256(body);
    const time = Math.floor(Date.now() / secondMs);
    const mac = requestMac(pushKey, time, digest.toString('hex'));
    const limit = { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) };
    const sent = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: 'POST',
      agent: false,
      ...limit,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Length': body.length,
        'Content-Digest': contentDigest(digest),
        'Fleet-Health': encodePushHeader({ client, time, mac }),
      },
    });
    // An answer 101 is an upgrade, after which Node reports neither an end nor a fault.
    const answers = ['response', 'upgrade'].map((event) => once(sent, event, limit));
    const answered = Promise.race(answers) as Promise<[IncomingMessage]>;
    sent.end(body);
    const fail = (thrown: unknown): never => {
      throw requestFault(url, thrown);
    };
    const [response] = await answered.catch(fail);
    if (response.statusCode !== 200) {
      response.destroy();
      throw answerFault(url, response.statusCode);
    }
    const answer = await readAll(response, maxAnswerBytes).catch(fail);
    sent.destroy();
    // Whoever stands between could have reports removed that nobody has.
    const said = /^v1 mac="([0-9a-f]{64})"$/.exec(String(response.headers['fleet-health'] ?? ''))?.[1] ?? '';
    if (!isSameMac(said, answerMac(pushKey, mac, answer))) throw strangerFault(url);
    return answer;
  };
}

function bySsh({ to, identity }: Enrolment): PushWay {
  const args = [
    ...['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', 'ServerAliveInterval=15'],
    ...(identity === null ? [] : ['-i', identity, '-o', 'IdentitiesOnly=yes']),
    ...['--', to.href.replace(/\/$/, ''), 'fleet-health receive'],
  ];
  return async (body, signal) => {
    const child = spawn('ssh', args, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
    const closed = once(child, 'close');
    // An early end shows in the answer.
    child.stdin.on('error', () => undefined);
    child.stdin.end(body);
    const [answer, complaint] = await Promise.all([
      readAll(child.stdout, maxAnswerBytes),
      readAll(child.stderr, maxComplaintBytes),
      closed,
    ]);
    if (answer.includes(pushMarker)) return answer;
    const [first = ''] = complaint.toString().trim().split('\n').slice(-1);
    throw sshFault(to, first);
  };
}

/** Reads a stream to its end and keeps its beginning. */
async function readAll(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (bytes < maxBytes) chunks.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
  }
  return Buffer.concat(chunks);
}
