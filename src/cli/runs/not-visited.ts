import type { CollectEvent, SkipReason } from '../../collector/collect-options.ts';
import { escapeControls, type Log } from '../../platform/errors/log.ts';
import { groupBy } from '../../platform/group-by.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** A client that was not visited. */
export type Skipped = Extract<CollectEvent, { readonly kind: 'skipped' }>;

const maxNamed = 5;
const maxLogged = 20;

/** Returns a line for each reason why clients were not visited: their number, the first names, and until when. */
export function notVisitedLines(skipped: readonly Skipped[], { moment }: ReaderTime): readonly string[] {
  const groups = groupBy(skipped, ({ reason, code }) => `${reason} ${code ?? ''}`);
  return [...groups.values()].map((same) => {
    const [first] = same;
    const names = same.map(({ client, nextAttemptAtMs }) =>
      nextAttemptAtMs === null ? client : `${client} until ${moment(nextAttemptAtMs)}`,
    );
    const words = first === undefined ? '' : reasonWords(first);
    return escapeControls(`${same.length} not visited, ${words}: ${namedUpTo(maxNamed, names)}`) + adviceFor(same);
  });
}

function reasonWords({ reason, code }: Skipped): string {
  if (reason === 'retired') return 'retired in config.xml';
  if (reason === 'unreached') return 'as the run ended before their turn; the next one visits them';
  return `left alone after a refused login${code === null || code === 'auth-failed' ? '' : ` (${code})`}`;
}

function adviceFor(same: readonly Skipped[]): string {
  if (same[0]?.reason !== 'login_refused') return '';
  const names = same.slice(0, maxNamed).map(({ client }) => shownShellWord(client));
  return `; fleet-health collect ${names.join(' ')} tries now`;
}

/** Returns a log of skipped clients. Logs the first of each reason, and counts the others at the end. */
export function skippedLog(log: Log, verbosity: Output['verbosity']) {
  const counts = new Map<SkipReason, number>();
  return {
    log: ({ client, reason, code, nextAttemptAtMs }: Skipped): void => {
      const count = (counts.get(reason) ?? 0) + 1;
      counts.set(reason, count);
      const fields = { client, code, next_attempt: jsonTime(nextAttemptAtMs), reason };
      // A retired client is never visited: only a detail.
      if (reason === 'retired' || count > maxLogged) log.detail('skipped', fields);
      else log.event('skipped', fields);
    },
    end: (): void => {
      if (verbosity === 'verbose') return;
      for (const [reason, count] of counts) {
        if (reason === 'retired' || count <= maxLogged) continue;
        log.event('skipped', { reason, clients_more: count - maxLogged });
      }
    },
  };
}
