import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { withTimeout } from '../../platform/deadline.ts';
import { answerFault, pushSigned, sshFault } from '../../platform/push-faults.ts';
import { readBeginning } from '../../platform/signed-post.ts';
import { secondMs } from '../../platform/units.ts';
import { pushLimits, pushMarker, pushPath } from '../../report/seal/push.ts';
import type { Enrolment } from './push-settings.ts';

/** Sends one stream and returns the answer. Throws FleetError `push-failed` with advice. */
export type PushTransport = (body: Buffer, signal: AbortSignal) => Promise<Buffer>;

const timeoutMs = 60 * secondMs;
/** The most bytes of an answer: a login shell may print something before the acknowledgements. */
const maxAnswerBytes = 64 * 1024 + pushMarker.length * (1 + pushLimits.maxReports);
const maxComplaintBytes = 4096;

/** The destination of pushes, with the key. */
export interface PushTarget extends Pick<Enrolment, 'pushKey' | 'identity'> {
  readonly to: URL;
}

/** Returns the transport to the collector that agent.json names. */
export function pushTransport(client: string, target: PushTarget): PushTransport {
  return target.to.protocol === 'ssh:' ? bySsh(target) : byHttp(client, target);
}

function byHttp(client: string, { to, pushKey }: PushTarget): PushTransport {
  const url = new URL(to);
  // A path that begins with `//` would be resolved to another host.
  if (url.pathname === '/') url.pathname = pushPath;
  url.search = url.hash = '';
  return async (body, signal) => {
    const post = { url, client, key: pushKey, body, maxAnswerBytes };
    const { status, body: answer } = await pushSigned(
      url,
      { ...post, path: pushPath, agent: false, signal },
      timeoutMs,
    );
    if (status !== 200) throw answerFault(url, status);
    return answer;
  };
}

function bySsh({ to, identity }: PushTarget): PushTransport {
  const args = [
    ...['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', 'ServerAliveInterval=15'],
    ...(identity === null ? [] : ['-i', identity, '-o', 'IdentitiesOnly=yes']),
    ...['--', to.href.replace(/\/$/, ''), 'fleet-health receive'],
  ];
  const send: PushTransport = async (body, signal) => {
    const child = spawn('ssh', args, { signal });
    const closed = once(child, 'close');
    // A child that could not be started for want of file descriptors has no streams.
    if (child.pid === undefined) await closed;
    // The answer shows an early end.
    child.stdin.on('error', () => undefined);
    child.stdin.end(body);
    const [answer, complaint] = await Promise.all([
      readBeginning(child.stdout, maxAnswerBytes),
      readBeginning(child.stderr, maxComplaintBytes),
      closed,
    ]);
    if (answer.includes(pushMarker)) return answer;
    const [first = ''] = complaint.toString().trim().split('\n').slice(-1);
    throw sshFault(to, first);
  };
  return (body, signal) => withTimeout({ timeoutMs, signal }, (limit) => send(body, limit));
}
