import type { Client, Rule } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { minuteMs } from '../../platform/units.ts';
import { logLinesOf } from '../../report/log-lines.ts';
import type { Report } from '../../report/report.ts';
import type { StatsFigure } from '../../report/metrics.ts';
import type { UnprocessedReport, UnprocessedVisit } from '../../storage/store/evaluation-store.ts';
import { checkConditionSamplers, checkSamplers } from './check-samplers.ts';
import { checkValueSamplers } from './check-value-sampler.ts';
import { columnSamplers } from './column-sampler.ts';
import { diskSamplers, mountConditionSamplers, mountSamplers } from './disk-samplers.ts';
import { logSamplers } from './log-sampler.ts';
import { readFamilies } from '../../report/columns.ts';
import { familySamplers, networkSamplers, probeSamplers, processSamplers } from './report-samplers.ts';
import type { RowSamples, Sample, SampledRow } from './sample.ts';
import type { Need, ReportRow, Sampler } from './sampler.ts';
import { serviceSamplers } from './service-sampler.ts';
import { arrivalSample, createVisitSampler, endOfVisit } from './visit-conditions.ts';

/**
 * The kinds of rules, in the order of their samples. The first kind that serves a rule samples it; conditions of visits
 * have none.
 */
const kinds = [
  columnSamplers,
  diskSamplers,
  mountSamplers,
  mountConditionSamplers,
  networkSamplers,
  serviceSamplers,
  checkSamplers,
  checkConditionSamplers,
  logSamplers,
  checkValueSamplers,
  processSamplers,
  familySamplers,
  probeSamplers,
] as const;

export interface SampleReportOptions extends Omit<ReportRow, 'families' | 'checks' | 'checksDayBefore'> {
  readonly client: Pick<Client, 'name' | 'rules'>;
  /** Default: not loaded. */
  readonly checks?: ReportRow['checks'];
  /** Default: not loaded. */
  readonly checksDayBefore?: ReportRow['checksDayBefore'];
  /** `null` if not loaded, or no longer kept: samples that need the report are unknown then. */
  readonly report: Report | null;
}

/** Evaluates a row of `stats` by the rules of its client. */
export function sampleReport({
  client,
  row,
  disks,
  networks,
  checks = null,
  checksDayBefore = null,
  report,
}: SampleReportOptions): SampledRow {
  const { samplers, arrival } = compiled(client.rules);
  const isOfVisit = row.receivedAtMs - row.observedAtMs <= longestVisitMs;
  const samples: RowSamples = {
    samples: arrival === null || !isOfVisit ? [] : [arrival],
    ifWritable: [],
    complete: [],
  };
  const families = report === null ? null : readFamilies(report);
  const input = { row, disks, networks, checks, checksDayBefore, families };
  for (const sampler of samplers) sampler(input, samples);
  return {
    samples: samples.samples,
    ifWritable: samples.ifWritable,
    complete: samples.complete,
    client: client.name,
    atMs: row.observedAtMs,
    kind: 'report',
    runId: row.runId,
    evidence: row.reportId,
    visitEnd: null,
    disks: row.unresponsive_mounts === null ? null : disks,
    bootId: row.bootId,
    uptimeSeconds: row.uptime_s,
    oomKills: row.oom_kills,
    oomKilled: report === null ? [] : killedProcesses(report),
  };
}

/** Returns the names of processes that the kernel has killed for lack of memory, by the lines of logs in a report. */
function killedProcesses(report: Report): readonly string[] {
  const names = logLinesOf(report).flatMap(
    ({ text }) => /\bKilled process \d+ \(([\w.:@/+ -]+)\)/.exec(text)?.[1] ?? [],
  );
  return [...new Set(names)].slice(0, 3);
}

/** A report that was received later than this came from the spool: it does not show when the client was reached. */
const longestVisitMs = minuteMs;

const nothing: readonly never[] = [];

/** Evaluates a row of `visits`. */
export function sampleVisit({
  client,
  visit,
}: {
  readonly client: Client;
  readonly visit: UnprocessedVisit;
}): SampledRow {
  return {
    samples: compiled(client.rules).sampleVisit(visit),
    ifWritable: nothing,
    complete: nothing,
    client: client.name,
    atMs: visit.startedAtMs,
    kind: 'visit',
    runId: visit.runId,
    evidence: `${visit.runId}/${client.name}`,
    visitEnd: endOfVisit(visit),
    disks: null,
    bootId: null,
    uptimeSeconds: null,
    oomKills: null,
    oomKilled: [],
  };
}

/** Returns the tables and reports that rules need with a row of `stats`. */
export function needsOf(
  rules: readonly Rule[],
  row: UnprocessedReport,
): Readonly<Record<'disks' | 'networks' | 'checks' | 'reports', boolean>> {
  const { needs } = compiled(rules);
  const hasNames = (row.failed_units ?? 0) > 0 || row.probe_errors > 0 || (row.oom_kills ?? 0) > 0;
  return {
    disks: needs.has('disks'),
    networks: needs.has('networks'),
    checks: needs.has('checks'),
    reports: needs.has('report') || (hasNames && needs.has('names')),
  };
}

/** The figures of `stats` that are evaluated in all rows. */
const commonFigures = ['uptime_s', 'failed_units', 'probe_errors', 'unresponsive_mounts', 'oom_kills'] as const;

/** Returns the figures of `stats` that the rules of clients evaluate. */
export function evaluatedFigures(clients: readonly Pick<Client, 'rules'>[]): readonly StatsFigure[] {
  const lists = new Set(clients.map(({ rules }) => rules));
  return [...new Set([...commonFigures, ...[...lists].flatMap((rules) => compiled(rules).figures)])].sort();
}

interface Compiled {
  readonly samplers: readonly Sampler[];
  readonly arrival: Sample | null;
  readonly sampleVisit: (visit: UnprocessedVisit) => readonly Sample[];
  readonly needs: ReadonlySet<Need | null>;
  readonly figures: readonly StatsFigure[];
}

/** Clients share their lists of rules, and a list never changes. */
const compiled = rememberedWeakly((rules: readonly Rule[]): Compiled => {
  const byKind = groupBy(rules, (rule) => kinds.find(({ serves }) => serves(rule)));
  const served = kinds.flatMap((kind) => {
    const own = byKind.get(kind);
    return own === undefined ? [] : [{ kind, own }];
  });
  return {
    samplers: served.map(({ kind, own }) => kind.create(own, rules)),
    arrival: arrivalSample(rules),
    sampleVisit: createVisitSampler(rules),
    needs: new Set(served.flatMap(({ kind, own }) => own.map(kind.needOf))),
    figures: served.flatMap(({ kind, own }) => own.flatMap((rule) => kind.figuresOf?.(rule) ?? [])),
  };
});
