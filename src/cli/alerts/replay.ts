import { replay, type ReplayedMail, type ReplayResult } from '../../alerter/replay/replay.ts';
import { loadConfig } from '../../config/load-config.ts';
import { usageError } from '../../errors.ts';
import type { SentNotification } from '../../storage/store/alert-history.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import type { Progress } from '../terminal/progress.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import { type ReplaySpan, replayText } from './replay-text.ts';

export interface ReplayCommandOptions {
  /** A duration or a time; null: a week. */
  readonly since: string | null;
  /** A config.xml whose rules, clients and recipients are tried on the database; null: that of -c. */
  readonly rules: string | null;
  /** False: only --since or --rules was given. */
  readonly replay: boolean;
}

const usualSince = '7d';

/** `alert --replay`: what the rules would have told, and how that differs from what was told. */
export async function replayCommand(context: Context, options: ReplayCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  if (!options.replay) {
    throw usageError(
      `${options.rules === null ? '--since' : '--rules'} is only for --replay`,
      'Write alert --replay --since 30d --rules FILE.',
    );
  }
  const { storage, ...own } = loadSettings(context);
  const config = { ...(options.rules === null ? own : loadConfig({ file: options.rules })), storage };
  const shown = await readStored(storage, signal, async ({ alerts: store }) => {
    if (store === null) return null;
    const untilMs = await store.nowMs();
    const sinceMs = parseSince('--since', options.since ?? usualSince, config, untilMs);
    const progress = output.terminal && !output.json ? await startPercents() : null;
    const observe = (share: number): void => progress?.to(Math.floor(share * 100));
    const result = await replay({ config, store, sinceMs, untilMs, signal, observe });
    progress?.end();
    return { span: { sinceMs, untilMs }, result };
  });
  if (shown === null) {
    throw usageError('nothing is stored yet', 'fleet-health collect makes the first run.');
  }
  printAnswer(
    output,
    () => replayJson(shown.span, shown.result),
    () => replayText(output, config, shown.span, shown.result),
  );
  return 0;
}

async function startPercents(): Promise<Progress> {
  return (await import('../terminal/progress.ts')).startProgress('replaying', 100);
}

function replayJson(span: ReplaySpan, result: ReplayResult): object {
  const { passes, reports, visits, mails, counts, difference } = result;
  return {
    command: 'alert',
    replay: true,
    since: jsonTime(span.sinceMs),
    until: jsonTime(span.untilMs),
    data_since: jsonTime(result.firstRowMs),
    passes,
    reports,
    visits,
    counts: counts.map(({ rule, client, fired, firstMs, lastMs }) => ({
      rule,
      client,
      fired,
      first: jsonTime(firstMs),
      last: jsonTime(lastMs),
    })),
    mails: mails.map(mailJson),
    difference: { more: difference.more.map(factJson), fewer: difference.fewer.map(factJson) },
  };
}

function mailJson({ atMs, recipient, severity, alreadyTrue, items }: ReplayedMail): unknown {
  return {
    at: jsonTime(atMs),
    recipient,
    severity,
    already_true: alreadyTrue,
    items: items.map(({ valueText, ...item }) => ({ ...item, value_text: valueText })),
  };
}

function factJson({ notifiedAtMs, ...fact }: SentNotification): unknown {
  return { at: jsonTime(notifiedAtMs), ...fact };
}
