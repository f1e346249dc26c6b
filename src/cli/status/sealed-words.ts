import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import type { RunSummary } from '../../storage/store/storage.ts';
import { unseenSealed } from '../../storage/store/sealed-store.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** What waits sealed in the database, in sentences; none where nothing does. */
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
    lines.push(
      `${counted(reports, 'report')} of ${counted(clients, 'client')} ${wait(reports)} for key ${keyId}, which no ingest has, the oldest for ${age} (${code}).`,
    );
  }
  return lines;
}

/** When reports were opened last; null where a collector opens them itself. */
export function lastIngestLine(last: RunSummary | null, nowMs: number): string | null {
  if (last === null) return null;
  return `Last ingest ${last.outcome} ${describeAge(nowMs - (last.finishedAtMs ?? last.startedAtMs))} ago.`;
}

/** The same for programs. */
export function sealedJson(sealed: readonly SealedSummary[]): readonly unknown[] {
  return sealed.map(({ keyId, code, reports, clients, sinceMs }) => ({
    key: keyId,
    code,
    reports,
    clients,
    since: jsonTime(sinceMs),
  }));
}

function wait(count: number): string {
  return count === 1 ? 'waits' : 'wait';
}
