import { writeFileSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';

import { costOf, inTemporaryFolder, program, run, type Cost } from './children.ts';
import { inRounds, measured, ratioAtMost, type BenchOptions, type BenchResult, type Row } from './figure.ts';

const bareNode = 'node -e 0';
const row = (name: string, what: string, limit: number | null): Row => ({
  name,
  what: `${what} : node -e 0`,
  unit: 'ms',
  peer: bareNode,
  target: limit === null ? null : ratioAtMost(limit),
});
/** The target of an idle start. It is higher on Node 20, which lacks the compile cache. */
const idleLimit = 'enableCompileCache' in module ? 4.5 : 5.5;
const idleCpu = row('alert-idle', 'fleet-health alert with nothing to do, CPU', idleLimit);
const idleWall = row('alert-idle-wall', 'fleet-health alert with nothing to do, wall time', idleLimit);
const versionCpu = row('version', 'fleet-health --version, CPU', null);
const versionWall = row('version-wall', 'fleet-health --version, wall time', null);

/** Measures the starts that cron makes each minute, and the smallest start. */
export function benchStart({ quick }: BenchOptions): Promise<BenchResult> {
  const starts = quick ? 2 : 20;
  return inTemporaryFolder(async (dir) => {
    const config = path.join(dir, 'config.xml');
    writeFileSync(
      config,
      `<config><collector every="5m"/><alerts><mail to="ops@example.org"/></alerts>
        <client name="here" ip="127.0.0.1" transport="local"/>
        <client name="web-[0-999]" ip="web-[0-999].example.org" username="u"/></config>`,
      { mode: 0o600 },
    );
    const idle = ['-q', '-c', config, 'alert'];
    run(process.execPath, [program, '-q', '-c', config, 'collect', 'here']);
    // The first start has a report to process, and the second writes the compile cache.
    for (const args of [idle, idle, ['--version'], ['--version']]) run(process.execPath, [program, ...args]);
    const of = (args: readonly string[]): Cost => costOf(() => void run(process.execPath, args), starts);
    const costs: Record<'bare' | 'idle' | 'version', Cost[]> = { bare: [], idle: [], version: [] };
    await inRounds(quick ? 1 : 11, {
      bare: () => costs.bare.push(of(['-e', '0'])),
      idle: () => costs.idle.push(of([program, ...idle])),
      version: () => costs.version.push(of([program, '--version'])),
    });
    const figure = (one: Row, kind: 'idle' | 'version', what: keyof Cost) =>
      measured(
        one,
        costs[kind].map((cost) => cost[what]),
        costs.bare.map((cost) => cost[what]),
      );
    return {
      figures: [
        figure(idleCpu, 'idle', 'cpuMs'),
        figure(idleWall, 'idle', 'wallMs'),
        figure(versionCpu, 'version', 'cpuMs'),
        figure(versionWall, 'version', 'wallMs'),
      ],
      series: [],
    };
  });
}
