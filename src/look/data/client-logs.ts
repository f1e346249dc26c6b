import type { PageLogLine } from '../page/page.ts';
import { logPriorities } from '../../report/log-lines.ts';
import type { StoredLogLine } from '../../storage/store/detail-store.ts';
import type { RecordStore } from '../../storage/store/look-store.ts';
import { shortened } from '../../text/shortened.ts';

/** The number of log lines that are shown of a client. */
export const shownLogLines = 20;
const textChars = 300;
const unitChars = 80;

/** Converts a stored log line into a line of a page. */
export function pageLogLine({ observedAtMs, loggedAtMs, priority, unit, text, times }: StoredLogLine): PageLogLine {
  return {
    atMs: loggedAtMs ?? observedAtMs,
    priority: logPriorities[priority ?? -1] ?? null,
    by: unit === null ? null : shortened(unit, unitChars),
    text: shortened(text, textChars),
    times,
  };
}

/** The clients of one query. */
const batch = 100;
const maxOfPage = 4000;
/** The approximate bytes of a line in a page. */
const rowBytes = 400;

/** The log lines of a report, and sentences about omitted ones. */
interface FleetLogs {
  readonly logs: ReadonlyMap<string, readonly PageLogLine[]>;
  /** The approximate bytes of the lines in the page. */
  readonly bytes: number;
  readonly omissions: readonly string[];
}

/** Reads the newest lines of logs of clients, the worst client first, until they take an eighth of the bytes. */
export async function readFleetLogs(
  records: Pick<RecordStore, 'logLinesOfClients'>,
  clients: readonly string[],
  { sinceMs, untilMs, pageBytes }: { readonly sinceMs: number; readonly untilMs: number; readonly pageBytes: number },
): Promise<FleetLogs> {
  const most = Math.min(maxOfPage, Math.floor(pageBytes / 8 / rowBytes));
  const logs = new Map<string, readonly PageLogLine[]>();
  let rows = 0;
  for (let start = 0; start < clients.length; start += batch) {
    const names = clients.slice(start, start + batch);
    const found = await records.logLinesOfClients(names, { sinceMs, untilMs, limit: shownLogLines });
    for (const name of names) {
      const lines = found.get(name) ?? [];
      if (lines.length === 0) continue;
      if (rows + lines.length > most) {
        return {
          logs,
          bytes: rows * rowBytes,
          omissions: ['Log lines of other clients were left out to keep the file small.'],
        };
      }
      rows += lines.length;
      logs.set(name, lines.map(pageLogLine));
    }
  }
  return { logs, bytes: rows * rowBytes, omissions: [] };
}
