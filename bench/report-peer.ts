import path from 'node:path';

import { dayMs, hourMs } from '../src/platform/units.ts';
import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { inTemporaryFolder } from './children.ts';
import { inRounds, measured, notMeasured, type BenchOptions, type BenchResult, type Row } from './figure.ts';
import { drawMunin } from './munin.ts';
import { programMissing } from './need-program.ts';
import { fill, reportOnce } from './report.ts';

const clients = 100;
const days = 30;
const row: Row = {
  name: 'report-munin',
  what: 'CPU of the report of 100 clients with 30 days : pages and plots of 100 hosts by Munin',
  unit: 's',
  peer: 'munin-html and munin-graph, seven plugins',
  target: null,
};

/** Measures the report beside the pages that Munin draws every five minutes. */
export async function benchReportPeer({ quick, say }: BenchOptions): Promise<BenchResult> {
  const missing = programMissing('munin-cron', 'munin', quick);
  if (missing !== null) return { figures: [notMeasured(row, missing)], series: [] };
  return inTemporaryFolder(async (dir) => {
    const hosts = quick ? 2 : clients;
    const file = path.join(dir, 'fleet.db');
    const sinceMs = Math.floor(Date.now() / hourMs) * hourMs - days * dayMs;
    await fill(sqliteConfig(file), { clients: hosts, sinceMs, days: quick ? 1 : days, spacing: 1 });
    const { ours, peer } = await inRounds(quick ? 1 : 3, {
      ours: async () => {
        const { cpuMs, bytes } = await reportOnce(`<storage url="sqlite:${file}"/>`, hosts);
        say(`report: ${(bytes / 1e6).toFixed(2)} MB`);
        return cpuMs / 1000;
      },
      peer: async () => {
        const { cpuMs, megabytes } = await inTemporaryFolder((folder) => Promise.resolve(drawMunin(folder, hosts)));
        say(`Munin: ${megabytes.toFixed(2)} MB`);
        return cpuMs / 1000;
      },
    });
    return { figures: [measured(row, ours, peer)], series: [] };
  });
}
