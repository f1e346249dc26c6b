/** The comparison at the end of a run: the ledgers against the database. Every list must be empty. */
import { readdirSync } from 'node:fs';
import path from 'node:path';

import type { Report } from '../../src/report/report.ts';
import type { FaultRow } from './fault-database.ts';
import { linesOf } from './fault-round.ts';
import type { FaultSite } from './fault-site.ts';
import { hookFiles, type LedgerLine } from './kill-plan.ts';
import { lostClient } from './lost-client.ts';
import type { MailLog } from './mail-log.ts';
import type { Truth } from './truth.ts';

export interface Comparison {
  /** Reports that reached a spool. */
  readonly spooled: number;
  /**
   * Reports that an agent sealed and that never reached a spool, because it was killed. Nothing was promised of them.
   */
  readonly neverSpooled: number;
  /** Reports that reached a spool, and are neither a row nor in quarantine. */
  readonly lost: readonly string[];
  /** Rows of reports that nobody sealed, or that belong to another client. */
  readonly invented: readonly string[];
  /** Further rows of a report, and further visits of a client in a run. */
  readonly doubled: readonly string[];
  readonly quarantined: number;
  /** Rows with missing parts, and runs that never end. */
  readonly halves: readonly string[];
  /** Sealed files, documents, spooled reports and unfinished files that no program takes any more. */
  readonly leftovers: readonly string[];
  readonly runs: Readonly<Record<string, number>>;
  readonly visits: number;
  /** The stored looks at a client that is away. */
  readonly looks: number;
  /** Looks that say what cannot have been seen, and a last one that not all have answered. */
  readonly wrongLooks: readonly string[];
  /** The rows that the database had forgotten and the runs have stored again, as far as it still has these runs. */
  readonly restored: number;
  /** Changes that became true, counted for each recipient. */
  readonly due: number;
  /** Changes that a recipient was not notified of, not in order, or twice. */
  readonly unnotified: readonly string[];
}

export async function compareLedgers(site: FaultSite, truth: Truth, mails: MailLog): Promise<Comparison> {
  const ledger = linesOf(path.join(site.hookDir, hookFiles.ledger)) as readonly LedgerLine[];
  const clientOf = new Map(
    ledger.filter(({ event }) => event === 'sealed').map((line) => [line.reportId, line.client]),
  );
  const spooled = new Set(ledger.filter(({ event }) => event === 'spooled').map(({ reportId }) => reportId));
  const { rows } = site.database;
  const stored = [
    ...(await rows('SELECT report_id, client FROM stats')),
    ...(await rows('SELECT report_id, client FROM inventory_reports')),
  ].map((row) => ({ reportId: String(row['report_id']), client: String(row['client']) }));
  const storedIds = new Set(stored.map(({ reportId }) => reportId));
  const files = site.stateDirs.flatMap(filesBelow);
  const quarantined = files.filter((file) => file.includes('/quarantine/') && file.endsWith('.fhs'));
  const known = new Set([...storedIds, ...quarantined.map((file) => path.basename(file).slice(0, 36))]);
  const runs = await rows('SELECT outcome, COUNT(*) AS n FROM runs GROUP BY outcome');
  const visits = await rows('SELECT run_id, client FROM visits');
  const looks = await rows('SELECT started_at, beside FROM visits WHERE beside IS NOT NULL ORDER BY started_at');
  return {
    spooled: spooled.size,
    neverSpooled: [...clientOf.keys()].filter((id) => !spooled.has(id) && !known.has(id)).length,
    lost: [...spooled].filter((id) => !known.has(id)),
    invented: stored.flatMap(({ reportId, client }) => (clientOf.get(reportId) === client ? [] : [reportId])),
    doubled: [
      ...repeated(stored.map(({ reportId }) => reportId)),
      ...repeated(visits.map((row) => `visit ${String(row['run_id'])} ${String(row['client'])}`)),
      ...repeated((await rows('SELECT stat_id, mount FROM disk_stats')).map((row) => JSON.stringify(row))),
      ...repeated((await rows('SELECT stat_id, interface FROM network_stats')).map((row) => JSON.stringify(row))),
      ...repeated((await rows('SELECT stat_id, check_name FROM check_stats')).map((row) => JSON.stringify(row))),
      ...repeated((await rows('SELECT stat_id, series_id FROM samples')).map((row) => JSON.stringify(row))),
    ],
    quarantined: quarantined.length,
    halves: [
      ...(await rows('SELECT report_id FROM stats WHERE id NOT IN (SELECT stat_id FROM reports)')),
      ...(await rows('SELECT report_id FROM stats WHERE processed_at IS NULL')),
      ...(await rows("SELECT id FROM runs WHERE outcome = 'running'")),
      ...(await rows('SELECT message_id FROM mails WHERE sent_at IS NULL AND replaced_by IS NULL')),
      // A database that forgets is an alert for a day, and the client that comes and goes flaps.
      ...(await rows(`SELECT id, client FROM alerts
        WHERE state <> 'resolved' AND rule <> 'database-forgot' AND client <> '${lostClient}'`)),
      ...(await reportsWithoutTheirDisks(site)),
      ...(site.pipe === 'visit' ? await rows(withoutSamplesSql) : []),
    ].map((row) => JSON.stringify(row)),
    leftovers: [
      ...(await rows('SELECT report_id FROM sealed_reports')).map((row) => `sealed ${String(row['report_id'])}`),
      ...files.filter((file) => /\.part$|\/inbox\/|\/encrypted_stats\/[^/]+\/[^/]+\.fhs$/.test(file)),
      ...filesBelow(path.join(site.home, '.local')).filter((file) => /\.fhs$|\/\.new-/.test(file)),
    ],
    runs: Object.fromEntries(runs.map((row) => [String(row['outcome']), Number(row['n'])])),
    visits: visits.length,
    looks: looks.length,
    wrongLooks: site.lost?.wrongLooks(looks) ?? [],
    restored: Number((await rows('SELECT SUM(restored) AS n FROM runs'))[0]?.['n'] ?? 0),
    due: site.clients.reduce((sum, client) => sum + truth.changesOf(client).length * site.recipients.length, 0),
    unnotified: site.clients.flatMap((client) =>
      site.recipients.flatMap((recipient) => {
        const [due, notified] = [truth.changesOf(client), mails.notificationsOf(recipient, client)].map((list) =>
          list.join(' '),
        );
        return due === notified ? [] : [`${recipient} ${client}: due ${due ?? ''}; notified ${notified ?? ''}`];
      }),
    ),
  };
}

/**
 * The reports that lack the figure of the check or the sample of the textfile, with what the checks said. A check that
 * had no time on a busy machine, where it has the lowest priority, has no figure.
 */
const withoutSamplesSql = `SELECT s.report_id, MAX(c.state) AS state, MAX(c.text) AS text FROM stats s
  LEFT JOIN samples x ON x.stat_id = s.id LEFT JOIN check_stats c ON c.stat_id = s.id
  GROUP BY s.id, s.report_id HAVING COUNT(DISTINCT x.series_id) < 2 AND COALESCE(MAX(c.state), 0) = 0`;

/** Returns the rows that have not as many disks as their report lists. */
async function reportsWithoutTheirDisks({ database }: FaultSite): Promise<readonly FaultRow[]> {
  const counts = await database.rows('SELECT stat_id, COUNT(*) AS n FROM disk_stats GROUP BY stat_id');
  const countOf = new Map(counts.map((row) => [Number(row['stat_id']), Number(row['n'])]));
  const stored = await database.rows('SELECT stat_id, report FROM reports');
  return stored.filter((row) => {
    const said = row['report'];
    // For a JSON column of MariaDB the driver returns the parsed value.
    const report = (typeof said === 'string' ? JSON.parse(said) : said) as Report;
    const disks = report.worker_reports.flatMap(({ function_reports: functions }) =>
      functions.flatMap(({ name, data }) => (name === 'disk' ? data : [])),
    );
    return disks.length !== (countOf.get(Number(row['stat_id'])) ?? 0);
  });
}

function repeated(keys: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.has(key) || !seen.add(key));
}

export function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
