import { demandWord } from './own-word.ts';
import { messageOf, type Source } from './source.ts';
import { emptyReport, functionReport, missing, type Facts } from './function-report.ts';
import type { FunctionReport } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import type { ProbeContext, ProbeResult, VisitProbe } from './probe.ts';
import { enabledTimers, lateTimer, timerProperties } from './timers.ts';

/** The share of the time for systemctl, and of what is left for journalctl; the rest is for its answer. */
const systemctlShare = 0.8;
const maxUnitsAsked = 200;
export const unitProperties = [
  'Id',
  'Names',
  'LoadState',
  'ActiveState',
  'NRestarts',
  'InactiveExitTimestampMonotonic',
];
/** The most lines of a failed unit. */
const maxLines = 5;
export const journalWords = ['-qn5', '-ocat', '--no-pager'];
/** The states that `systemctl is-active` accepts. */
const running = new Set(['active', 'reloading', 'refreshing']);
/** The time limit of a starting unit. */
const startingMs = 120_000;
/** The unit that every systemd has. An answer without it is not of a systemd without failed units. */
export const rootSlice = '-.slice';
const systemctl = ['/usr/bin/systemctl', '/bin/systemctl', '/run/current-system/sw/bin/systemctl'];
/** The suffixes of units. https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html */
const suffixes = new Set(
  'service socket device mount automount swap target path timer slice scope'.split(' ').map((type) => `.${type}`),
);

/** Returns the most subjects of a probe whose last lines are read. */
export function mostExcerpts({ noExcerpts }: ProbeOptions): number {
  return noExcerpts === true ? 0 : 3;
}

/** Asks systemctl once for the failed units, those that rules name, and the enabled timers, if systemd runs. */
export const services: VisitProbe = {
  name: 'services',
  deadlineMs: 2500,
  reads: {
    // A machine that has slept has no CLOCK_MONOTONIC in /proc.
    files: ['/sys/power/suspend_stats/success'],
    names: [
      '/run/systemd/system',
      '/etc/systemd/system/timers.target.wants/*.timer',
      '/usr/lib/systemd/system/timers.target.wants/*.timer',
      '/lib/systemd/system/timers.target.wants/*.timer',
    ],
  },
  run: readServices,
};

function readServices({ source, options, leftMs }: ProbeContext): ProbeResult | Promise<ProbeResult> {
  const asked = (options.units ?? []).slice(0, maxUnitsAsked);
  if (!source.exists('/run/systemd/system')) return { functions: unknownServices(asked, 'no systemd') };
  const program = systemctl.find((path) => source.exists(path));
  if (program === undefined) return { functions: unknownServices(asked, 'no systemctl') };
  const asks = {
    units: asked,
    timers: enabledTimers(source),
    most: mostExcerpts(options),
  };
  return askSystemctl(source, program, asks, () => systemctlShare * leftMs());
}

interface Asked {
  readonly units: readonly string[];
  readonly timers: readonly string[];
  /** The most failed units whose last lines are read. */
  readonly most: number;
}

async function askSystemctl(
  { programs, reader }: Source,
  program: string,
  { units, timers, most }: Asked,
  allowedMs: () => number,
): Promise<ProbeResult> {
  const named = timers.length > 0 ? [...unitProperties, ...timerProperties] : unitProperties;
  const properties = named.flatMap((name) => ['-p', name]);
  // `--state` only filters the pattern: `*` gives the failed units, named units appear in any state.
  const args = ['show', '--no-pager', '--state=failed', ...properties, '--', rootSlice, '*'];
  const linesOf = async (unit: string): Promise<readonly Facts[]> => {
    const journal = program.replace(/systemctl$/, 'journalctl');
    const answer = await programs.run(journal, [...journalWords, `--unit=${unit}`], allowedMs()).catch(() => null);
    const lines = answer?.output.split('\n').filter(Boolean) ?? [];
    return lines.slice(-maxLines).map((line) => ({ unit, text: line }));
  };
  try {
    const { output } = await programs.run(program, [...args, ...units.map(wholeUnitName), ...timers], allowedMs());
    demandWord('systemctl', output, /^Id=-\.slice$/m);
    const blocks = output.split(/\n\n+/);
    const nowS = reader.monotonicS();
    const checks = blocks.flatMap((block) => lateTimer(block, nowS));
    const found = unitsIn(blocks, nowS);
    const failed = failedIn(found);
    const lines = await Promise.all(failed.slice(0, most).map(linesOf));
    return { functions: [...servicesFrom(found, failed, units), ...excerptReport(lines.flat())], checks };
  } catch (error) {
    const reason = messageOf(error);
    return { functions: unknownServices(units, reason), error: reason };
  }
}

interface Unit {
  readonly id: string;
  readonly names: readonly string[];
  readonly state: string;
  readonly isActive: boolean;
}

/** Parses blocks of `Name=value` lines that empty lines separate. */
function unitsIn(blocks: readonly string[], nowS: number): Unit[] {
  return blocks.flatMap((block) => {
    const value = (name: string): string =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}=`))
        ?.slice(name.length + 1) ?? '';
    const id = value('Id');
    if (id === '') return [];
    const state =
      value('LoadState') === 'not-found' && value('ActiveState') !== 'failed' ? 'missing' : value('ActiveState');
    // A unit that systemd restarts has failed a moment ago.
    const isStarting = !(Number(value('NRestarts')) > 0) && isRecent(value('InactiveExitTimestampMonotonic'), nowS);
    const isActive = running.has(state) || (state === 'activating' && isStarting);
    return [{ id, names: [id, ...value('Names').split(' ')], state, isActive }];
  });
}

/** True if a time in microseconds of CLOCK_MONOTONIC is within the time limit of a start. */
function isRecent(microseconds: string, nowS: number): boolean {
  const sinceMs = nowS * 1000 - Number(microseconds || NaN) / 1000;
  return sinceMs >= 0 && sinceMs < startingMs;
}

function failedIn(units: readonly Unit[]): readonly string[] {
  return [...new Set(units.filter(({ state }) => state === 'failed').map(({ id }) => id))].sort();
}

function excerptReport(lines: readonly Facts[]): FunctionReport[] {
  return lines.length === 0 ? [] : [functionReport('unit_line', lines)];
}

function servicesFrom(units: readonly Unit[], failed: readonly string[], asked: readonly string[]): FunctionReport[] {
  const states = asked.map((unit): Facts => {
    const found = units.find(({ names }) => names.includes(wholeUnitName(unit)));
    if (found === undefined) return { unit, active: missing('systemctl did not tell') };
    return { unit, state: found.state, active: Number(found.isActive) };
  });
  const rows = failed.map((unit) => ({ unit, failed: 1 }));
  return [
    functionReport('services', [{ failed_units: failed.length }]),
    functionReport('failed_unit', rows),
    ...unitReport(states),
  ];
}

function unknownServices(asked: readonly string[], reason: string): FunctionReport[] {
  const none = missing(reason);
  return [
    functionReport('services', [{ failed_units: none }]),
    emptyReport('failed_unit', 'failed', reason),
    ...unitReport(asked.map((unit) => ({ unit, active: none }))),
  ];
}

function unitReport(states: readonly Facts[]): FunctionReport[] {
  return states.length === 0 ? [] : [functionReport('unit', states)];
}

/** Returns a unit name with its suffix: `nginx` is `nginx.service`, as in systemctl. */
function wholeUnitName(unit: string): string {
  const dot = unit.lastIndexOf('.');
  return unit.startsWith('/') || (dot > 0 && suffixes.has(unit.slice(dot))) ? unit : `${unit}.service`;
}
