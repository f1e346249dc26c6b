import { dayMs, minuteMs, secondMs } from '../../platform/units.ts';
import { pushKeyBytes } from '../../seal/push.ts';
import { checkFormats } from '../../report/checks.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import type { Fields } from '../settings-fields.ts';

/** The part of agent.json that `fleet-health enroll` writes. */
export interface Enrolment {
  /** The client's former name; null if there is none. */
  readonly was: string | null;
  /** The id of the collector, which has a spool of its own. */
  readonly collector: string;
  /** The key to which reports are sealed: X25519, base64url. */
  readonly publicKey: string;
  readonly pushKey: Buffer;
  /** The URL to push to: http, https, or ssh://USER@HOST[:PORT]. null if the collector polls. */
  readonly to: URL | null;
  /** The time between two pushes of the mode `push`. */
  readonly everyMs: number;
  /** The private key for ssh; null for the key of ssh_config. */
  readonly identity: string | null;
  readonly checks: readonly RequestedCheck[];
}

const x25519Bytes = 32;

/** Reads the keys of agent.json for pushes. Returns null if this machine is not enrolled. */
export function readEnrolment(fields: Fields): Enrolment | null {
  const collector = fields.text('collector');
  const publicKey = fields.text('publicKey');
  const pushKey = fields.text('pushKey');
  const was = fields.text('was');
  const checks = readChecks(fields);
  const push = fields.object('push');
  const to = push?.text('to') ?? null;
  const identity = push?.text('identity') ?? null;
  const everyMs = push?.duration('every', 10 * secondMs, 30 * dayMs) ?? 5 * minuteMs;
  push?.end();
  if (push === null && collector === null) return null;
  const needed = { collector, publicKey, pushKey };
  for (const [key, value] of Object.entries(needed)) if (value === null) throw fields.fault(key, 'is missing');
  if (!/^[0-9a-f-]{36}$/.test(collector ?? '')) throw fields.fault('collector', 'must be the id of a collector');
  if (Buffer.from(publicKey ?? '', 'base64url').length !== x25519Bytes) {
    throw fields.fault('publicKey', 'must be a key of 32 bytes in base64url');
  }
  const key = Buffer.from(pushKey ?? '', 'base64url');
  if (key.length !== pushKeyBytes) throw fields.fault('pushKey', 'must be a key of 32 bytes in base64url');
  const url = push === null ? null : pushUrl(to);
  if (push !== null && url === null) throw push.fault('to', pushUrlForm);
  return {
    was,
    collector: collector ?? '',
    publicKey: publicKey ?? '',
    pushKey: key,
    to: url,
    everyMs,
    identity,
    checks,
  };
}

export const pushUrlForm = 'must be a URL of https, http or ssh, such as ssh://fleet@collector.example.org';

/** Parses a URL to push to; null for other texts. */
export function pushUrl(text: string | null): URL | null {
  const url = text !== null && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return null;
  const isSsh = url.protocol === 'ssh:' && url.hostname !== '' && !/^-/.test(url.hostname + url.username);
  return isSsh || ['https:', 'http:'].includes(url.protocol) ? url : null;
}

function readChecks(fields: Fields): readonly RequestedCheck[] {
  return (fields.objects('checks') ?? []).map((check) => {
    const name = check.text('name');
    const command = check.texts('command');
    const everySeconds = check.whole('everySeconds');
    const timeoutSeconds = check.whole('timeoutSeconds');
    const format = check.choice('format', checkFormats);
    check.end();
    if (name === null || command === null) throw fields.fault('checks', 'must each have a name and a command');
    return {
      name,
      command,
      ...(everySeconds === null ? {} : { everySeconds }),
      ...(timeoutSeconds === null ? {} : { timeoutSeconds }),
      ...(format === null ? {} : { format }),
    };
  });
}
