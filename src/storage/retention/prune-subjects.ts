import type { Database, Session, SqlValue } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { rollUpVisits } from './prune-visits.ts';

/** A kind of rows that is pruned by its time, with the rows that refer to it. */
export interface Subject {
  /**
   * Selects `id` and `at`, in the order (at, id), beyond the cursor; values: limit, cursor time twice, cursor id,
   * count.
   */
  readonly select: string;
  /** A value less than any id. */
  readonly firstId: SqlValue;
  /** Tables with the column by which the ids are deleted. Rows that refer to a row are deleted before it. */
  readonly deletes: readonly (readonly [table: string, column: string])[];
  /** Adds the rows of these ids to a rollup, in the transaction that deletes them. Default: none. */
  readonly rollUp?: (session: Session, ids: readonly SqlValue[]) => Promise<void>;
}

const beyondCursor = (at: string, id: string): string => `${at} < ? AND ${at} >= ? AND (${at} > ? OR ${id} > ?)`;

export const reports = (processedOnly: boolean): Subject => ({
  select: `SELECT r.stat_id AS id, r.observed_at AS at FROM reports r
    WHERE ${beyondCursor('r.observed_at', 'r.stat_id')}
    ${processedOnly ? 'AND EXISTS (SELECT 1 FROM stats s WHERE s.id = r.stat_id AND s.processed_at IS NOT NULL)' : ''}
    ORDER BY r.observed_at, r.stat_id LIMIT ?`,
  firstId: 0,
  deletes: [['reports', 'stat_id']],
});

/** Lines of logs, by their report. */
export const logLines: Subject = {
  select: `SELECT l.stat_id AS id, l.observed_at AS at FROM log_lines l
    WHERE ${beyondCursor('l.observed_at', 'l.stat_id')} AND l.ordinal = 0 ORDER BY l.observed_at, l.stat_id LIMIT ?`,
  firstId: 0,
  deletes: [['log_lines', 'stat_id']],
};

/** Visits, which are added to the rollup of their day if `isRolledUp`. */
export const visits = (processedOnly: boolean, isRolledUp = false): Subject => ({
  select: `SELECT v.id AS id, v.started_at AS at FROM visits v WHERE ${beyondCursor('v.started_at', 'v.id')}
    ${processedOnly ? 'AND v.processed_at IS NOT NULL' : ''} ORDER BY v.started_at, v.id LIMIT ?`,
  firstId: 0,
  deletes: [['visits', 'id']],
  ...(isRolledUp ? { rollUp: rollUpVisits } : {}),
});

// The newest run of each collector and program stays: it shows since when there has been none. A run with visits stays
// too: MariaDB would answer a NOT EXISTS by reading all visits.
export const runs: Subject = {
  select: `SELECT r.id AS id, r.started_at AS at FROM runs r WHERE ${beyondCursor('r.started_at', 'r.id')}
    AND (SELECT v.id FROM visits v WHERE v.run_id = r.id LIMIT 1) IS NULL
    AND EXISTS (SELECT 1 FROM runs later WHERE later.program = r.program AND later.collector_id = r.collector_id
                AND later.started_at > r.started_at AND later.outcome = 'finished')
    ORDER BY r.started_at, r.id LIMIT ?`,
  firstId: '',
  deletes: [['runs', 'id']],
};

export const inventoryReports: Subject = {
  select: `SELECT i.report_id AS id, i.observed_at AS at FROM inventory_reports i
    WHERE ${beyondCursor('i.observed_at', 'i.report_id')} ORDER BY i.observed_at, i.report_id LIMIT ?`,
  firstId: '',
  deletes: [['inventory_reports', 'report_id']],
};

/** Series without a sample since that time, whose hours and days are removed as well. */
export const series: Subject = {
  select: `SELECT k.id AS id, k.last_on AS at FROM series k WHERE ${beyondCursor('k.last_on', 'k.id')}
    ORDER BY k.last_on, k.id LIMIT ?`,
  firstId: 0,
  deletes: [['series', 'id']],
};

const waitingMail = 'm.sent_at IS NULL AND m.failed_at IS NULL AND m.replaced_by IS NULL';

// An alert stays if a recipient has to be notified of it, or if a mail about it waits.
export const alerts: Subject = {
  select: `SELECT a.id AS id, a.resolved_at AS at FROM alerts a
    WHERE a.closed_out = 1 AND ${beyondCursor('a.resolved_at', 'a.id')} AND a.open_key IS NULL
    AND NOT EXISTS (SELECT 1 FROM notifications n JOIN mails m ON m.id = n.mail_id
                    WHERE n.alert_id = a.id AND ${waitingMail})
    ORDER BY a.resolved_at, a.id LIMIT ?`,
  firstId: 0,
  deletes: [
    ['last_notified', 'alert_id'],
    ['notifications', 'alert_id'],
    ['alerts', 'id'],
  ],
};

export const mails: Subject = {
  select: `SELECT m.id AS id, m.created_at AS at FROM mails m WHERE ${beyondCursor('m.created_at', 'm.id')}
    AND NOT (${waitingMail}) ORDER BY m.created_at, m.id LIMIT ?`,
  firstId: 0,
  deletes: [
    ['notifications', 'mail_id'],
    ['mail_replies', 'mail_id'],
    ['mails', 'id'],
  ],
};

export const silences: Subject = {
  select: `SELECT s.id AS id, s.ends_at AS at FROM silences s WHERE ${beyondCursor('s.ends_at', 's.id')}
    ORDER BY s.ends_at, s.id LIMIT ?`,
  firstId: 0,
  deletes: [['silences', 'id']],
};

const laterEvent = `SELECT 1 FROM events later WHERE later.service = e.service AND later.host = e.host
  AND later.instance = e.instance AND later.id > e.id`;

/**
 * Returns the events to prune: the newest of each service of a host, or all others. Rules wait longer for the next
 * event of a service.
 */
export const events = (newest: boolean): Subject => ({
  select: `SELECT e.id AS id, e.received_at AS at FROM events e WHERE ${beyondCursor('e.received_at', 'e.id')}
    AND ${newest ? 'NOT ' : ''}EXISTS (${laterEvent}) ORDER BY e.received_at, e.id LIMIT ?`,
  firstId: 0,
  deletes: [['events', 'id']],
});

/**
 * Removes the rows of a subject that are older than a time, oldest first. Each call of the returned function removes up
 * to `limit` rows and returns their number; null if there is nothing left.
 */
export function subjectRemover(
  database: Database,
  subject: Subject,
  before: string,
): (limit: number) => Promise<number | null> {
  let cursor: { readonly at: string; readonly id: SqlValue } = { at: '1000-01-01 00:00:00.000', id: subject.firstId };
  return async (limit) => {
    const { at, id } = cursor;
    const rows = await database.read((session) => session.all(subject.select, [before, at, at, id, String(limit)]));
    const last = rows.at(-1);
    if (last === undefined) return null;
    const ids = rows.map((row) => row['id'] ?? null);
    const count = await database.write((session) => deleteRows(session, subject, ids));
    cursor = { at: String(last['at']), id: last['id'] ?? null };
    return count;
  };
}

/** Returns the number of rows to remove. */
export async function countSubject(session: Session, subject: Subject, before: string): Promise<number> {
  const at = '1000-01-01 00:00:00.000';
  const everything = subject.select.replace(/ORDER BY .*$/, '');
  const [row] = await session.all(`SELECT COUNT(*) AS count FROM (${everything}) old`, [
    before,
    at,
    at,
    subject.firstId,
  ]);
  return Number(row?.['count']);
}

/** Deletes rows in the order of their ids, in which all writers lock them. */
export async function deleteRows(
  session: Session,
  { deletes, rollUp }: Pick<Subject, 'deletes' | 'rollUp'>,
  ids: readonly SqlValue[],
): Promise<number> {
  const ordered = [...ids].sort((a, b) => ((a ?? 0) < (b ?? 0) ? -1 : 1));
  if (rollUp !== undefined) {
    await forChunks(ordered, async (chunk) => {
      await rollUp(session, chunk);
      return [];
    });
  }
  let deleted = 0;
  for (const [table, column] of deletes) {
    const counts = await forChunks(ordered, async (chunk, marks) => [
      await session.run(`DELETE FROM ${table} WHERE ${column} IN (${marks})`, chunk),
    ]);
    deleted = counts.reduce((sum, count) => sum + count, 0);
  }
  return deleted;
}
