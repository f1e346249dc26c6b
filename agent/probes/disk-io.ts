import type { JsonValue } from './collected.ts';
import { functionReport, missing, type Facts } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import { ratesOf, type RateField } from './rates.ts';
import { isContainer } from './virtualisation.ts';

const bytesPerSector = 512;
/** The fields behind the name in a line of /proc/diskstats, the present number of requests without a name. */
const columns = [
  'reads',
  'reads_merged',
  'read_bytes',
  'read_ms',
  'writes',
  'writes_merged',
  'write_bytes',
  'write_ms',
  '',
  'busy_ms',
];
const rated = ['reads', 'writes', 'read_bytes', 'write_bytes'];
const fields: readonly RateField[] = [...rated.map((name) => [`${name}_per_s`, 1] as const), ['busy_percent', 0.1]];

/**
 * Reads /proc/diskstats: counters of disks since boot, and rates since the previous visit. Partitions and devices that
 * consist of others are left out. https://docs.kernel.org/admin-guide/iostats.html
 */
export const diskIo: VisitProbe = {
  name: 'disk_io',
  deadlineMs: 1000,
  reads: { names: ['/sys/block/*/device'], files: ['/proc/diskstats'] },
  rates: 'rates',
  run: ({ source, earlier, noRates }) => {
    const then = (earlier?.counters ?? {}) as Readonly<Record<string, readonly number[]>>;
    const counters: Record<string, JsonValue> = {};
    const facts: Facts[] = [];
    for (const line of (source.readOptional('/proc/diskstats') ?? '').split('\n')) {
      const [, , device = '', ...counts] = line.trim().split(/\s+/);
      if (!source.exists(`/sys/block/${device.replace('/', '!')}/device`) || isContainer(source)) continue;
      const totals: Record<string, number> = {};
      columns.forEach((name, at) => {
        if (name !== '') totals[name] = Number(counts[at]) * (name.endsWith('bytes') ? bytesPerSector : 1);
      });
      // A disk was read when it was found: the kernel counts nothing (queue/iostats), or has no medium in it.
      if (Object.values(totals).every((count) => count === 0)) {
        const none = missing('the kernel counts nothing of it');
        const unknown = [...fields.map(([field]) => field), ...Object.keys(totals)].map((field) => [field, none]);
        facts.push({ device, ...(Object.fromEntries(unknown) as Facts) });
        continue;
      }
      const now = [...rated, 'busy_ms'].map((name) => totals[name] ?? NaN);
      counters[device] = now;
      const most = [...rated.map(() => undefined), 1.1 * (earlier?.elapsedMs ?? 0)];
      const rates = ratesOf({ fields, now, before: then[device], earlier, noRates, most });
      const busy = rates['busy_percent'];
      facts.push({ device, ...rates, busy_percent: typeof busy === 'number' ? Math.min(100, busy) : busy, ...totals });
    }
    return { functions: [functionReport('disk_io', facts, 'device')], counters };
  },
};
