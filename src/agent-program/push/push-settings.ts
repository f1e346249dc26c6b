import * as v from 'valibot';

import { dayMs, minuteMs, secondMs } from '../../platform/units.ts';
import { pushKeyBytes } from '../../report/seal/push.ts';
import { checkFormats } from '../../report/checks.ts';
import { choice, duration, readForm, settingsObject, settingsObjects, text } from '../settings-form.ts';
import { type FileOf, texts, wholeNumber } from '../settings-form.ts';

const x25519Bytes = 32;
const pushUrlForm = 'must be a URL of https, http or ssh, such as ssh://fleet@collector.example.org';

/** The keys of agent.json that `fleet-health enroll` writes. */
export const enrolmentEntries = {
  /** The client's former name. */
  was: v.exactOptional(text),
  /** The id of the collector, which has a spool of its own. */
  collector: v.exactOptional(text),
  /** The key to which reports are sealed. */
  publicKey: v.exactOptional(text),
  pushKey: v.exactOptional(text),
  checks: v.optional(
    settingsObjects({
      name: text,
      command: texts,
      everySeconds: v.exactOptional(wholeNumber),
      timeoutSeconds: v.exactOptional(wholeNumber),
      format: v.exactOptional(choice(checkFormats)),
    }),
    [],
  ),
  /** Missing if the collector polls. */
  push: v.exactOptional(
    settingsObject({
      /** The URL to push to: http, https, or ssh://USER@HOST[:PORT]. */
      to: v.pipe(text, v.transform(pushUrl), v.instance(URL, pushUrlForm)),
      /** The private key for ssh. Default: the key of ssh_config. */
      identity: v.exactOptional(text),
      /** The time between two pushes of the mode `push`. */
      every: v.optional(duration({ minMs: 10 * secondMs, maxMs: 30 * dayMs }), '5m'),
    }),
  ),
};

const enrolmentForm = v.object(enrolmentEntries);

/** Returns the form of a key in base64url. */
function keyOf(bytes: number) {
  const isKey = (key: string): boolean => Buffer.from(key, 'base64url').length === bytes;
  return v.pipe(text, v.check(isKey, 'must be a key of 32 bytes in base64url'));
}

const enrolledForm = v.object(
  {
    collector: v.pipe(text, v.regex(/^[0-9a-f-]{36}$/, 'must be the id of a collector')),
    publicKey: keyOf(x25519Bytes),
    pushKey: keyOf(pushKeyBytes),
  },
  'is missing',
);

/** The enrolment. Null stands for what is not written. */
export type Enrolment = Readonly<NonNullable<ReturnType<typeof readEnrolment>>>;

/** Returns the enrolment of this machine; null if it is not enrolled. Throws FleetError `config-invalid`. */
export function readEnrolment(written: v.InferOutput<typeof enrolmentForm>, fileOf: FileOf) {
  const { was = null, checks, push } = written;
  if (push === undefined && written.collector === undefined) return null;
  const { collector, publicKey, pushKey } = readForm(enrolledForm, written, fileOf);
  return {
    ...{ was, collector, publicKey, checks },
    pushKey: Buffer.from(pushKey, 'base64url'),
    to: push?.to ?? null,
    everyMs: push?.every ?? 5 * minuteMs,
    identity: push?.identity ?? null,
  };
}

/** Parses a URL to push to; null for other texts. */
export function pushUrl(given: string): URL | null {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null) return null;
  const isSsh = url.protocol === 'ssh:' && url.hostname !== '' && !/^-/.test(url.hostname + url.username);
  return isSsh || ['https:', 'http:'].includes(url.protocol) ? url : null;
}
