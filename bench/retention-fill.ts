import type { Database } from '../src/storage/sql/database.ts';
import { rollupSources, rollupTable, type RollupSpan } from '../src/storage/sql/rollups.ts';

const stepSeconds = 300;
const stepsOfDay = 288;

interface Words {
  /** Returns a query of the numbers from 0 in the column n. */
  readonly numbers: (count: number) => string;
  /** Returns SQL for the time that is this many seconds after the next bound value. */
  readonly after: (seconds: string) => string;
  readonly text: (...parts: readonly string[]) => string;
  /** Returns SQL for a random real number below the limit. */
  readonly random: (limit: number) => string;
  readonly uuid: string;
}

const wordsOf: Readonly<Record<'sqlite' | 'mysql', Words>> = {
  sqlite: {
    numbers: (count) =>
      `(WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ${count - 1}) SELECT n FROM c)`,
    after: (seconds) => `strftime('%Y-%m-%d %H:%M:%f', ?, '+' || (${seconds}) || ' seconds')`,
    text: (...parts) => `(${parts.join(' || ')})`,
    random: (limit) => `(abs(random()) % 1000000 * ${limit / 1e6})`,
    uuid: `(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(8))) || lower(hex(randomblob(5))) || '-')`,
  },
  mysql: {
    numbers: (count) => `(SELECT seq AS n FROM seq_0_to_${count - 1})`,
    after: (seconds) => `TIMESTAMPADD(SECOND, ${seconds}, ?)`,
    text: (...parts) => `CONCAT(${parts.join(', ')})`,
    random: (limit) => `(RAND() * ${limit})`,
    uuid: 'UUID()',
  },
};

const mounts = ['/', '/var', '/data'] as const;

interface RawRows {
  readonly clients: number;
  readonly from: string;
  readonly steps: number;
  readonly firstStep: number;
  readonly reports: boolean;
  /** True for values that vary over the day and differ by client, as on real machines; otherwise they are random. */
  readonly steady?: boolean;
  /** The number of five-minute steps from one made step to the next; left out: 1. */
  readonly spacing?: number;
}

/**
 * Inserts steps of five minutes of all clients, in a collector's order: for each client a processed row of `stats`,
 * three mounts and an interface. The last `reportSteps` steps also have the whole report.
 */
export async function fillRaw(database: Database, options: RawRows): Promise<void> {
  const { clients, from, steps, firstStep, steady = false, spacing = 1 } = options;
  await database.write(async (session) => {
    const { numbers, after, text, random, uuid } = wordsOf[session.dialect.name as keyof typeof wordsOf];
    const step = `(s.n * ${spacing} + ${firstStep})`;
    const at = after(`${step} * ${stepSeconds} + c.n % ${stepSeconds}`);
    const [newest] = await session.all('SELECT COALESCE(MAX(id), 0) AS id FROM stats');
    const before = newest?.['id'] ?? 0;
    const hours = `(ABS(${step} % ${stepsOfDay} * 1.0 - ${stepsOfDay / 2}) / ${stepsOfDay / 2})`;
    const figure = (limit: number, noise = limit / 10): string =>
      steady ? `(${limit} * (0.1 + 0.01 * (c.n % 50) + 0.2 * ${hours}) + ${random(noise)})` : random(limit);
    const ofClient = (limit: number, noise: number, plus: number): string =>
      steady ? `((id + ${plus}) % ${clients} % 80 * ${limit / 100} + ${random(noise)})` : random(limit);
    await session.run(
      `INSERT INTO stats (client, report_id, run_id, observed_at, collected_at, received_at, clock_offset_ms, boot_id,
         hostname, os, uptime_s, cpu_percent, memory_percent, swap_percent, load1, load5, load15, disk_percent, processes,
         cpus, failed_units, probe_errors, unresponsive_mounts, reboot_required, processed_at)
       SELECT ${text("'web-'", 'c.n', "'.example.org'")}, ${uuid}, '0c9e7a52-6c43-4a83-8a4c-1e63a3f3d0a1',
         ${at}, ${at}, ${at}, 12, 'a3c6e2a0-46de-4a34-9c7f-0b5f3c8d7e11', ${text("'web-'", 'c.n')},
         'Debian GNU/Linux 12 (bookworm)', 86400 + ${step} * ${stepSeconds}, ${figure(100)},
         ${figure(100, 2)}, ${figure(100, 0.1)},
         ${figure(8)}, ${figure(8)}, ${figure(8)}, ${figure(100)}, 180 + s.n % 7, 4, 0, 0, 0, 0, ${at}
       FROM ${numbers(steps)} s CROSS JOIN ${numbers(clients)} c ORDER BY s.n, c.n`,
      [from, from, from, from],
    );
    for (const [ordinal, mount] of mounts.entries()) {
      await session.run(
        `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, fstype, source, scope, mode, size_bytes,
           used_bytes, available_bytes, used_percent, inodes_percent, unresponsive)
         SELECT id, ${ordinal}, client, observed_at, '${mount}', 'ext4', '/dev/vda${ordinal}', 'local', 'rw', 270553518080,
           170553518080 + id, 86000000000 - id, ${ofClient(100, 0.2, ordinal * 17)}, ${ofClient(100, 0.1, ordinal)}, 0 FROM stats WHERE id > ?`,
        [before],
      );
    }
    await session.run(
      `INSERT INTO network_stats (stat_id, ordinal, client, observed_at, interface, rx_bytes_per_s, tx_bytes_per_s,
         rx_packets_per_s, tx_packets_per_s, rx_errors_per_s, tx_errors_per_s, rx_drops_per_s, tx_drops_per_s, link_up,
         speed_bits_per_s)
       SELECT id, 0, client, observed_at, 'eth0', ${ofClient(1e6, 1e5, 0)}, ${ofClient(1e6, 1e5, 7)}, ${random(1e3)}, ${random(1e3)}, 0, 0, 0, 0,
         1, 1000000000 FROM stats WHERE id > ?`,
      [before],
    );
    if (!options.reports) return;
    // The report has 4.7 kilobytes of JSON, as that of a machine with three mounts and an interface.
    const report = `{"name":"Daemon report","text":"${'0123456789abcdef'.repeat(290)}"}`;
    await session.run(
      'INSERT INTO reports (stat_id, observed_at, report) SELECT id, observed_at, ? FROM stats WHERE id > ?',
      [report, before],
    );
  });
}

/** Inserts the rollups of every client for an hour or a day, with the counts of twelve or 288 rows. */
export async function fillRollups(
  database: Database,
  span: RollupSpan,
  options: { readonly clients: number; readonly start: string },
): Promise<void> {
  const samples = span === 'hour' ? 12 : 288;
  await database.write(async (session) => {
    const { numbers, text, random } = wordsOf[session.dialect.name as keyof typeof wordsOf];
    for (const source of rollupSources) {
      const subjects: readonly (string | null)[] =
        source.subject === 'mount' ? mounts : source.subject === 'interface' ? ['eth0'] : [null];
      const figures = source.metrics.flatMap((metric) => {
        const value = figureOf(metric, random);
        return [value, `1.0E0 * ${value}`, value, String(samples)];
      });
      const columns = source.metrics.flatMap((metric) =>
        ['min', 'mean', 'max', 'count'].map((part) => `${metric}_${part}`),
      );
      for (const subject of subjects) {
        const name = subject === null ? '' : `'${subject}', `;
        await session.run(
          `INSERT INTO ${rollupTable(source, span)}
             (client, ${span}, ${source.subject === null ? '' : `${source.subject}, `}samples, ${columns.join(', ')})
           SELECT ${text("'web-'", 'c.n', "'.example.org'")}, ?, ${name}${samples}, ${figures.join(', ')}
           FROM ${numbers(options.clients)} c`,
          [options.start],
        );
      }
    }
  });
}

/** Returns SQL for a value of realistic size: constant values take less space than varying ones. */
function figureOf(metric: string, random: Words['random']): string {
  if (/error|drops|failed|unresponsive|reboot/.test(metric)) return '0';
  if (/^(cpus|link_up)$/.test(metric)) return '1';
  if (/bytes$|uptime|speed_bits/.test(metric)) return '270553518080';
  return metric === 'processes' ? '180' : random(100);
}
