import { readFileSync } from 'node:fs';

import { array, boolean, type InferOutput, number, object, optional, picklist, pipe, string, transform } from 'valibot';

import { aboutOf } from '../../about/kinds.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { dayMs } from '../../platform/units.ts';
import { appendDurably, writeDurably } from '../../state-folder/durable-file.ts';
import { transitions } from '../../storage/store/alert.ts';

/** The time for which a line counts. */
export const rememberedMs = 7 * dayMs;
/** Beyond these bytes, or a day after its oldest line has expired, the file is written anew. */
const maxFileBytes = 16 * 1024 * 1024;

const sentMail = object({
  atMs: number(),
  messageId: string(),
  recipient: string(),
  ordinary: boolean(),
  /** Default: the receiver gave none. */
  receipt: optional(string()),
  told: array(
    pipe(
      object({
        /** Lines of earlier programs lack it. */
        about: optional(string(), ''),
        client: string(),
        rule: string(),
        subject: string(),
        firstEvidence: string(),
        transition: picklist(transitions),
        state: picklist(['firing', 'resolved', 'flapping', 'unsteady']),
        severity: picklist(['warning', 'critical']),
        sequence: number(),
        sinceMs: number(),
        asOfMs: number(),
        notifiedAtMs: number(),
      }),
      transform((told) => ({ ...told, about: aboutOf(told) })),
    ),
  ),
});
/** A mail that a channel has accepted, and what it told its recipient. `atMs` is the time of this machine. */
export type SentMail = InferOutput<typeof sentMail>;

/** The file `sent` of the state folder: the mails that channels have accepted, whatever the database says of them. */
export interface SentMails {
  /** Returns the mails of the last seven days, in the order in which they were sent. */
  all(): readonly SentMail[];
  find(messageId: string): SentMail | null;
  /** Adds a mail. Returns when the line would survive a power loss. */
  note(mail: SentMail): void;
}

export interface SentMailsOptions {
  readonly file: string;
  readonly now: () => number;
  /** Called once with the first fault. The file counts as empty then. */
  readonly onFault: (fault: FleetError) => void;
  /** The most bytes of the file. Default: 16 MiB. */
  readonly maxBytes?: number;
}

/** Opens the file, which is read at the first question: most passes have none. Damaged lines are left out. */
export function openSentMails({ file, now, onFault, maxBytes = maxFileBytes }: SentMailsOptions): SentMails {
  let loaded: Map<string, { readonly mail: SentMail; readonly line: string }> | null = null;
  let bytes = 0;
  let isReported = false;
  const report = (thrown: unknown): void => {
    if (isReported) return;
    isReported = true;
    const message = `${file}: ${messageOf(thrown)}; a mail that the database forgets is sent again`;
    onFault(new FleetError({ code: 'state-unusable', stage: 'mail', message, cause: thrown }));
  };
  const load = (): NonNullable<typeof loaded> => {
    if (loaded !== null) return loaded;
    loaded = new Map();
    try {
      const text = readFileSync(file, 'utf8');
      bytes = Buffer.byteLength(text);
      for (const line of text.split('\n')) {
        const mail = line === '' ? null : parseJson(sentMail, line);
        if (mail !== null) loaded.set(mail.messageId, { mail, line });
      }
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') report(thrown);
    }
    return loaded;
  };
  const isKnown = ({ atMs }: SentMail): boolean => Math.abs(now() - atMs) < rememberedMs;
  return {
    all: () => [...load().values()].flatMap(({ mail }) => (isKnown(mail) ? mail : [])),
    find: (messageId) => {
      const mail = load().get(messageId)?.mail ?? null;
      return mail !== null && isKnown(mail) ? mail : null;
    },
    note: (mail) => {
      const known = load();
      const line = JSON.stringify(mail);
      const [oldest] = known.values();
      known.delete(mail.messageId);
      known.set(mail.messageId, { mail, line });
      try {
        const isLong = bytes + line.length > maxBytes;
        const isOld = oldest !== undefined && Math.abs(now() - oldest.mail.atMs) > rememberedMs + dayMs;
        if (isLong || isOld) {
          const content = newest(
            [...known.values()].flatMap((one) => (isKnown(one.mail) ? one.line : [])),
            maxBytes / 2,
          );
          writeDurably({ file, content, mode: 0o600 });
          bytes = Buffer.byteLength(content);
        } else {
          // The leading line feed ends a line that a crash left unfinished.
          appendDurably(file, `\n${line}\n`);
          bytes += Buffer.byteLength(line) + 2;
        }
      } catch (thrown) {
        report(thrown);
      }
    },
  };
}

/** Returns the newest lines, as many as fit, and the last one in any case. */
function newest(lines: readonly string[], most: number): string {
  let left = most;
  const kept = lines.toReversed().filter((line, index) => (left -= Buffer.byteLength(line) + 1) >= 0 || index === 0);
  return kept
    .toReversed()
    .map((line) => `${line}\n`)
    .join('');
}
