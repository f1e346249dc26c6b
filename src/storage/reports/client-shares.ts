import { maxSubjects } from '../../report/limits.ts';
import type { ReportRows } from '../rows/report-rows.ts';
import type { Session } from '../sql/database.ts';

/**
 * The limit of a client for one hour of observation, in rows and in bytes of `reports`: far more than agents report.
 */
const perHour = { rows: 20_000, bytes: 16 * 1024 * 1024 };
/** The limit of a client for one run below which the hour is not read: far more than a usual visit brings. */
const free = { rows: 500, bytes: 64 * 1024 };

/**
 * Returns the ids of the refused reports with the reason: the client has filled its share of the hour in which they
 * were made. Reads in the transaction that stores, so that a repeated transaction counts nothing twice.
 */
export type ClientShares = (session: Session, fresh: readonly ReportRows[]) => Promise<ReadonlyMap<string, string>>;

interface Use {
  readonly rows: number;
  readonly bytes: number;
}

/** Creates the counters of one run. Call it once a run. */
export function createClientShares(): ClientShares {
  const brought = new Map<string, Use>();
  return async (session, fresh) => {
    const refused = new Map<string, string>();
    const uses = new Map<string, Use>();
    for (const one of fresh) {
      const { client, report } = one.item;
      const cost = costOf(one);
      const ofRun = sumOf(brought.get(client) ?? nothing, cost);
      brought.set(client, ofRun);
      if (ofRun.rows <= free.rows && ofRun.bytes <= free.bytes) continue;
      const hour = one.observedAt.slice(0, 13);
      const key = `${hour} ${client}`;
      const before = uses.get(key) ?? (await useOf(session, client, hour));
      const use = sumOf(before, cost);
      const beyond = use.rows > perHour.rows ? `${perHour.rows} rows` : use.bytes > perHour.bytes ? '16 MiB' : null;
      uses.set(key, beyond === null ? use : before);
      if (beyond === null) continue;
      refused.set(report.report_id, `with it its client would have more than ${beyond} of the hour ${hour}:00 UTC`);
    }
    return refused;
  };
}

const nothing: Use = { rows: 0, bytes: 0 };

function sumOf(a: Use, b: Use): Use {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
}

function costOf({ item, report, disks, networks, checks, logLines, readings }: ReportRows): Use {
  // Inventories and states have limits of their own.
  if (item.report.name !== 'Daemon report') return { rows: 1, bytes: 0 };
  const rows =
    2 + disks.length + networks.length + checks.length + logLines.length + Math.min(readings.length, maxSubjects);
  return { rows, bytes: Buffer.byteLength(report) };
}

const ofHour = (table: string): string => `${table}.client = ? AND ${table}.observed_at BETWEEN ? AND ?`;
const countOf = (table: string): string => `(SELECT COUNT(*) FROM ${table} WHERE ${ofHour(table)})`;
const counted = ['stats', 'stats', 'disk_stats', 'network_stats', 'check_stats', 'log_lines', 'inventory_reports'];
// A row of `reports` counts as one row of `stats`: pruning removes its text before the figures.
const useSql = `SELECT ${counted.map(countOf).join(' + ')} AS stored_rows,
  (SELECT COUNT(*) FROM stats JOIN samples ON stat_id = id WHERE ${ofHour('stats')}) AS stored_samples,
  (SELECT SUM(LENGTH(report)) FROM stats JOIN reports ON stat_id = id WHERE ${ofHour('stats')}) AS stored_bytes`;

async function useOf(session: Session, client: string, hour: string): Promise<Use> {
  const one = [client, `${hour}:00:00.000`, `${hour}:59:59.999`];
  const [row] = await session.all(
    useSql,
    [...counted, 'samples', 'bytes'].flatMap(() => one),
  );
  return {
    rows: Number(row?.['stored_rows'] ?? 0) + Number(row?.['stored_samples'] ?? 0),
    bytes: Number(row?.['stored_bytes'] ?? 0),
  };
}
