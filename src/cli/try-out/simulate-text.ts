import path from 'node:path';

import { stormMs } from '../../simulator/condition.ts';
import { bastionName, type FleetPlan, type SimulatedClient } from '../../simulator/fleet-plan.ts';
import { deadCauses, profiles } from '../../simulator/profile.ts';
import type { ServedKind, VisitCounts } from '../../simulator/visit-counts.ts';
import { describeDuration, formatDuration } from '../../text/durations.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { ServingState } from './simulate-processes.ts';

/** Counts visits by kind since `before`: `9500 reported, 42 silent`. */
export function kindsText(now: VisitCounts['visits'], before: VisitCounts['visits'] = {}): string {
  return (Object.entries(now) as [ServedKind, number][])
    .map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}

/** Describes the fleet that is served, and how to collect from it. */
export function startLines(
  dir: string,
  plan: FleetPlan,
  fleet: readonly SimulatedClient[],
  processes: number,
): readonly string[] {
  const { clients, profile, seed, port, everyMs } = plan;
  const [first, last] = [fleet[0]?.address ?? '', fleet.at(-1)?.address ?? ''];
  const inProcesses = processes === 1 ? '' : `, in ${processes} processes`;
  return [
    `${clients} simulated clients on loopback, ${first} to ${last} port ${port}${inProcesses}; seed ${seed}`,
    `Profile ${profile}: ${profiles[profile].help}`,
    ...deadLines(fleet),
    ...stormLines(plan, fleet),
    '',
    'In another terminal, as often as you like:',
    '',
    `  cd ${shownShellWord(nearby(dir))}`,
    '  fleet-health collect && fleet-health alert && fleet-health status',
    '',
    `Collected every ${formatDuration(everyMs)}, says config.xml, which is yours to change. Ctrl-C ends the servers.`,
  ];
}

function deadLines(fleet: readonly SimulatedClient[]): readonly string[] {
  const dead = fleet.filter((client) => client.dead !== null);
  if (dead.length === 0) return [];
  const lines = Object.entries(deadCauses).map(([cause, what]) => {
    const names = dead.filter((client) => client.dead === cause).map(({ name }) => name);
    return (
      `  ${cause.padEnd(17)} ${String(names.length).padStart(5)}  ${what}: ` +
      `${names[0] ?? ''}${names.length > 1 ? ' ...' : ''}`
    );
  });
  return [`${dead.length} of them fail every visit:`, ...lines];
}

function stormLines(plan: FleetPlan, fleet: readonly SimulatedClient[]): readonly string[] {
  const parts = new Map<string, number>();
  for (const { storm } of fleet) if (storm !== null) parts.set(storm, (parts.get(storm) ?? 0) + 1);
  if (parts.size === 0) return [];
  const counts = [...parts].map(([part, count]) => `${part} ${count}`).join(', ');
  return [
    `The first storm begins in ${formatDuration(3 * plan.everyMs)} and lasts ${formatDuration(stormMs(plan))}; ` +
      `clients in it: ${counts}`,
    `(${bastionName} is the one that goes, with what lies behind it)`,
  ];
}

/** Sums up the whole run. */
export function lastLines({ counts, cpuMs, maxRssBytes }: ServingState, durationMs: number): readonly string[] {
  const { served, sent, resent, acknowledged, visits } = counts;
  if (served === 0) return [`Nobody came in ${describeDuration(durationMs)}.`];
  return [
    `${served} visits in ${describeDuration(durationMs)}: ${kindsText(visits)}`,
    `${sent} sealed reports sent, ${resent} of them again, ${acknowledged} acknowledged`,
    `${(cpuMs / served).toFixed(2)} ms of CPU for each visit; at most ${Math.round(maxRssBytes / 1e6)} MB resident`,
  ];
}

interface SummaryOptions {
  readonly dir: string;
  readonly plan: FleetPlan;
  readonly last: ServingState;
  readonly durationMs: number;
}

/** Returns the document of `simulate`. docs/json.md describes the fields. */
export function summaryJson({ dir, plan, last, durationMs }: SummaryOptions): unknown {
  const { clients, profile, seed, port, everyMs } = plan;
  const { visits, served, sent, resent, acknowledged } = last.counts;
  return {
    command: 'simulate',
    dir,
    config: path.join(dir, 'config.xml'),
    clients,
    profile,
    seed,
    port,
    every_ms: everyMs,
    duration_ms: Math.round(durationMs),
    served,
    visits,
    reports: { sent, resent, acknowledged },
    cpu_ms: Math.round(last.cpuMs),
    max_rss_bytes: last.maxRssBytes,
  };
}

function nearby(dir: string): string {
  const relative = path.relative(process.cwd(), dir);
  return relative === '' ? '.' : relative.startsWith('..') ? dir : relative;
}
