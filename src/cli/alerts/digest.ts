import { composeDigest } from '../../alerter/digest/compose-digest.ts';
import { lastOccurrences } from '../../alerter/digest/digest-times.ts';
import { digestStates } from '../../alerter/digest/due-digests.ts';
import { readDigest } from '../../alerter/digest/read-digest.ts';
import type { Config, DigestConfig } from '../../config/config.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { dayMs } from '../../platform/units.ts';
import type { DigestStore } from '../../storage/store/digest-store.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettingsToShow } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** The digest of a config.xml that has none. */
const ofFleet: DigestConfig = { name: 'fleet', to: [], days: [], atMinute: 0, groups: [], attachesReport: false };
const usualMs = 7 * dayMs;

/** Runs `digest`: prints a digest as of now, and sends nothing. */
export async function digestCommand(
  context: Context,
  { name, since }: { readonly name: string | null; readonly since: string | null },
): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettingsToShow(context);
  const digest = digestOf(config, name);
  const made = await readAfterFirstRun(config.storage, signal, async (storage) => {
    const nowMs = await storage.nowMs();
    const sinceMs = since === null ? beginOf(config, digest, nowMs) : parseSince('--since', since, config, nowMs);
    const span = { sinceMs, untilMs: nowMs, lateSinceMs: null, missedMs: [] };
    const facts = await readDigest(config, storage, digest, span);
    return facts === null ? null : { span, words: composeDigest({ facts, config, attached: null }) };
  });
  if (made === null) {
    throw usageError('nothing is stored yet, so there is nothing to sum up', 'Run `fleet-health collect` first.');
  }
  const { span, words } = made;
  const { subject, text } = words;
  return printAnswer(
    output,
    () => ({
      command: 'digest',
      digest: digest.name,
      since: jsonTime(span.sinceMs),
      until: jsonTime(span.untilMs),
      subject,
      text,
    }),
    () => `Subject: ${escapeControls(subject)}\n\n${text.trimEnd().split('\n').map(escapeControls).join('\n')}`,
  );
}

function digestOf({ digests }: Config, name: string | null): DigestConfig {
  if (name === null) return digests[0] ?? ofFleet;
  const found = digests.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = digests.map((one) => one.name);
  throw usageError(
    `no digest is called "${name}"${didYouMean(name, names)}`,
    names.length === 0
      ? 'config.xml has none; write <digest to="..."/> into <alerts>.'
      : `There are: ${names.join(', ')}.`,
  );
}

/** Returns the time when a digest was last due, or the time a week ago if the digest has no schedule. */
function beginOf({ alerts }: Config, digest: DigestConfig, nowMs: number): number {
  const [newest] = digest === ofFleet ? [] : lastOccurrences(digest, alerts.zone, nowMs, 1);
  return newest?.dueMs ?? nowMs - usualMs;
}

/** Describes when each digest was last made and when its next one is due, in sentences and as JSON. */
export async function explainDigests(
  config: Config,
  store: Pick<DigestStore, 'madeDigests' | 'runTimes'>,
  nowMs: number,
  time: ReaderTime,
): Promise<{ readonly lines: readonly string[]; readonly json: readonly object[] }> {
  const states = await digestStates(config, store, nowMs);
  return {
    lines: states.map(({ digest, lastMs, nextMs }) => {
      const last = lastMs === null ? 'was not made of late' : `of ${time.momentAndAge(lastMs)} is made`;
      return escapeControls(
        `Digest ${digest.name} to ${digest.to.join(', ')} ${last}, the next is due at ${time.moment(nextMs)}.`,
      );
    }),
    json: states.map(({ digest: { name, to }, lastMs, nextMs }) => ({
      digest: name,
      to,
      last: jsonTime(lastMs),
      next: jsonTime(nextMs),
    })),
  };
}

/** The times at which a digest was due, the oldest first. */
export interface DigestTimes {
  readonly digest: DigestConfig;
  readonly dueMs: readonly number[];
}

/** Returns the digests of config.xml that were due within a span. */
export function digestsWithin(
  { digests, alerts }: Pick<Config, 'digests' | 'alerts'>,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): readonly DigestTimes[] {
  const most = Math.ceil((untilMs - sinceMs) / dayMs) + 1;
  return digests.flatMap((digest) => {
    const times = lastOccurrences(digest, alerts.zone, untilMs, most).map(({ dueMs }) => dueMs);
    const dueMs = times.filter((atMs) => atMs >= sinceMs).reverse();
    return dueMs.length === 0 ? [] : [{ digest, dueMs }];
  });
}
