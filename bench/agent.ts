import { readBundles } from '../src/collector/agent/agent-bundles.ts';
import type { AgentCosts, AgentVisitsInput } from './agent-visits.ts';
import { inFreshProcess } from './children.ts';
import { atMost, measured, notMeasured, ratioAtMost } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row, Target } from './figure.ts';
import { programMissing } from './need-program.ts';

const bareNode = 'node -e 0';
const cpuRow = (processes: number, target: Target): Row => ({
  name: `agent-cpu-${processes}`,
  what: `agent CPU, all probes, ${processes} processes on the client : node -e 0`,
  unit: 'ms',
  peer: bareNode,
  target,
});
const crowds = [
  { processes: 100, row: cpuRow(100, ratioAtMost(2)) },
  { processes: 500, row: cpuRow(500, ratioAtMost(2.3)) },
] as const;
const wall: Row = {
  name: 'agent-wall',
  what: 'agent wall time after the first visit: loader, start, probes, seal, fsync, frames',
  unit: 's',
  peer: null,
  target: atMost(0.1),
};
const memory: Row = {
  name: 'agent-memory',
  what: 'agent resident memory, at its most : node -e 0',
  unit: 'MB',
  peer: bareNode,
  target: ratioAtMost(1.2),
};
const size: Row = {
  name: 'agent-size',
  what: 'agent as uploaded (compressed)',
  unit: 'KB',
  peer: null,
  target: atMost(32),
};

/** Measures a client's cost of a start of the agent, by the number of the client's processes. */
export function benchAgent({ quick, say }: BenchOptions): Promise<BenchResult> {
  const { agent } = readBundles();
  say(`agent.cjs: ${agent.content.length} bytes, ${agent.packed().length} as uploaded`);
  const figures: Figure[] = [measured(size, [agent.packed().length / 1000])];
  const missing =
    process.getuid?.() === 0 ? programMissing('unshare', 'util-linux', quick) : 'needs root, for a PID namespace';
  const noTime = programMissing('time', 'time', quick);
  for (const { processes, row } of crowds) {
    if (missing !== null) {
      figures.push(notMeasured(row, missing));
      if (processes === 100) figures.push(notMeasured(wall, missing), notMeasured(memory, missing));
      continue;
    }
    const input: AgentVisitsInput = {
      processes: quick ? 20 : processes,
      rounds: quick ? 1 : 11,
      startsPerRound: quick ? 2 : 20,
      measuresMemory: processes === 100 && noTime === null,
    };
    const { agents, bare } = inFreshProcess('agent-visits.ts', input, [
      'unshare',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
    ]) as AgentCosts;
    figures.push(measured(row, agents.cpuMs, bare.cpuMs));
    if (processes !== 100) continue;
    const seconds = agents.wallMs.map((ms) => ms / 1000);
    figures.push(measured(wall, seconds));
    figures.push(noTime === null ? measured(memory, agents.peakMb, bare.peakMb) : notMeasured(memory, noTime));
  }
  return Promise.resolve({ figures, series: [] });
}
