import { escapeControls } from '../../platform/errors/log.ts';
import type { Config } from '../../config/config.ts';
import { type CanaryState, canaryWords, type UnreadReplies } from '../../storage/store/reply-store.ts';
import { type Loss, lossWords } from '../../storage/store/run.ts';
import { type SealedSummary, unseenSealed } from '../../storage/store/sealed-store.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { sentenceCase } from '../command/alert-words.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** Describes the sealed reports that wait in the database. Returns no sentence if there are none. */
export function sealedLines(sealed: readonly SealedSummary[], nowMs: number): readonly string[] {
  const unseen = unseenSealed(sealed);
  const lines: string[] = [];
  if (unseen !== null) {
    const { reports, sinceMs } = unseen;
    const age = describeAge(nowMs - sinceMs);
    lines.push(`${counted(reports, 'report')} ${wait(reports)} sealed for fleet-health ingest, the oldest for ${age}.`);
  }
  for (const { keyId, code, reports, clients, sinceMs } of sealed) {
    if (code === null) continue;
    const age = describeAge(nowMs - sinceMs);
    const what = `${counted(reports, 'report')} of ${counted(clients, 'client')}`;
    lines.push(`${what} ${wait(reports)} for key ${keyId}, which no ingest has, the oldest for ${age} (${code}).`);
  }
  return lines;
}

/** Returns the waiting sealed reports as JSON. */
export function sealedJson(sealed: readonly SealedSummary[]): readonly unknown[] {
  return sealed.map(({ keyId: key, code, reports, clients, sinceMs }) =>
    jsonFields({ key, code, reports, clients, sinceMs }),
  );
}

function wait(count: number): string {
  return count === 1 ? 'waits' : 'wait';
}

/** Describes the losses of the database. Returns no sentence if there are none. */
export function lossLines(loss: Loss | null, moment: (atMs: number) => string): readonly string[] {
  return loss === null ? [] : [escapeControls(sentenceCase(`${lossWords(loss, moment)}.`))];
}

export function lossJson(loss: Loss | null): object | null {
  if (loss === null) return null;
  const { restored, reports, fromMs, toMs, note } = loss;
  return { restored, reports, from: jsonTime(fromMs), to: jsonTime(toMs), note };
}

/**
 * Describes the newest outcome of `<canary>`, or the canary that is awaited first. Returns no sentence without
 * `<canary>`.
 */
export function canaryLines(
  { canary }: Pick<Config, 'canary'>,
  state: CanaryState | null,
  moment: (atMs: number) => string,
): readonly string[] {
  if (canary === null) return [];
  const { found = null, roundMs = null } = state ?? {};
  const first =
    roundMs === null
      ? `no canary has been sent to ${canary.to} yet; the next pass of alert sends one`
      : `the first canary, of ${moment(roundMs)}, has not come back yet`;
  return [escapeControls(sentenceCase(`${found === null ? first : canaryWords(found, moment)}.`))];
}

export function canaryJson(state: CanaryState | null): object | null {
  const { found = null, newest = null, to = '' } = state ?? {};
  if (found === null) return null;
  const { kind, ofMs, afterMs, reason } = found;
  const seconds = kind === 'lost' ? null : afterMs / 1000;
  return { state: kind, to, canary: jsonTime(ofMs), seconds, reason, last_in_time: jsonTime(newest?.atMs ?? null) };
}

/** Describes a mailbox of `<replies>` that cannot be read. Returns no sentence if it was read. */
export function repliesLines(unread: UnreadReplies | null, moment: (atMs: number) => string): readonly string[] {
  if (unread === null) return [];
  const why = escapeControls(sentenceCase(unread.why));
  return [`${why}. No reply has been read since ${moment(unread.sinceMs)}; mails do not ask for replies meanwhile.`];
}

export function repliesJson(unread: UnreadReplies | null): object | null {
  return unread === null ? null : { since: jsonTime(unread.sinceMs), reason: unread.why };
}
