/**
 * The visits of bench/agent.ts, in a PID namespace with the number of processes of a figure. The only argument is an
 * AgentVisitsInput as JSON. Prints AgentCosts.
 */
import { spawnSync } from 'node:child_process';

import { clientEnv, crowd, installAgent, runShell } from './agent-starts.ts';
import { costOf, inTemporaryFolder } from './children.ts';

export interface AgentVisitsInput {
  readonly processes: number;
  readonly rounds: number;
  readonly startsPerRound: number;
  /** True to measure memory by GNU time, which must be installed. */
  readonly measuresMemory: boolean;
}

export interface KindCosts {
  readonly cpuMs: number[];
  readonly wallMs: number[];
  readonly peakMb: number[];
}

export interface AgentCosts {
  readonly agents: KindCosts;
  readonly bare: KindCosts;
}

async function measureVisits(input: AgentVisitsInput, home: string): Promise<AgentCosts> {
  const env = clientEnv(home);
  const { visit, restore } = await installAgent('node', home);
  const costs: AgentCosts = {
    agents: { cpuMs: [], wallMs: [], peakMb: [] },
    bare: { cpuMs: [], wallMs: [], peakMb: [] },
  };
  const kinds = [
    { command: `exec '${process.execPath}' -e 0`, after: () => undefined, to: costs.bare },
    { command: visit, after: restore, to: costs.agents },
  ];
  for (let round = 0; round < input.rounds; round += 1) {
    for (const { command, after, to } of kinds) {
      const { cpuMs, wallMs } = costOf(() => {
        runShell(command, env);
        after();
      }, input.startsPerRound);
      to.cpuMs.push(cpuMs);
      to.wallMs.push(wallMs);
      if (input.measuresMemory) to.peakMb.push(peakMegabytes(command, env));
      after();
    }
  }
  return costs;
}

/** Returns the peak memory of the largest process that the command starts, in MB. */
function peakMegabytes(command: string, env: Record<string, string>): number {
  const { status, stderr } = spawnSync('time', ['-f', '%M', '/bin/sh', '-c', command], { env, input: '' });
  const kilobytes = Number(stderr.toString().trim().split('\n').at(-1));
  if (status !== 0 || !(kilobytes > 0)) throw new Error(`status ${String(status)}: ${stderr.toString()}`);
  return (kilobytes * 1024) / 1e6;
}

const input = JSON.parse(process.argv[2] ?? '') as AgentVisitsInput;
await inTemporaryFolder(async (home) => {
  const sleepers = await crowd(input.processes);
  try {
    process.stdout.write(JSON.stringify(await measureVisits(input, home)));
  } finally {
    for (const sleeper of sleepers) sleeper.kill();
  }
});
