import type { Client, Rule } from '../../config/config.ts';
import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import type { Report } from '../../report/report.ts';
import type { UnprocessedReport, UnprocessedVisit } from '../../storage/store/alert-store.ts';
import type { SampledRow, Sample } from './sample.ts';
import { readFamilies } from './report-families.ts';
import { createDiskSampler, readsDisks } from './disk-sampler.ts';
import { createMountConditionSampler, createMountSampler, isMountCondition } from './mount-sampler.ts';
import { createNetworkSampler, readsNetworks } from './network-sampler.ts';
import { createProbeSampler, isProbeCondition } from './probe-sampler.ts';
import { createProcessSampler, readsProcesses } from './process-sampler.ts';
import { createReportSampler, readsReport } from './report-sampler.ts';
import { createRowSampler } from './row-sampler.ts';
import { createServiceSampler, readsServices } from './service-sampler.ts';
import type { Needs, Sampler } from './sampler.ts';
import { endOfVisit } from './unreliable.ts';
import { createVisitSampler, arrivalSample } from './visit-conditions.ts';
import { minuteMs } from '../../platform/units.ts';

export interface SampleReportOptions {
  readonly client: Client;
  readonly row: UnprocessedReport;
  /** null: not loaded, because no rule needs them. */
  readonly disks: readonly DiskRow[] | null;
  readonly networks: readonly NetworkRow[] | null;
  /** null: not loaded, or no longer kept; what needs it is unknown then. */
  readonly report: Report | null;
}

/** What a row of `stats` says to the judge, by the rules of its client. */
export function sampleReport({ client, row, disks, networks, report }: SampleReportOptions): SampledRow {
  const { samplers, arrival } = compiled(client.rules);
  const isOfVisit = row.receivedAtMs - row.observedAtMs <= longestVisitMs;
  const samples: Sample[] = arrival === null || !isOfVisit ? [] : [arrival];
  const complete: string[] = [];
  const families = report === null ? null : readFamilies(report);
  const into = { samples, ifWritable: [] as Sample[], complete };
  const input = { row, disks, networks, families };
  for (const sampler of samplers) sampler(input, into);
  return {
    client: client.name,
    atMs: row.observedAtMs,
    kind: 'report',
    runId: row.runId,
    evidence: row.reportId,
    samples,
    ifWritable: into.ifWritable,
    visitEnd: null,
    disks: row.unresponsive_mounts === null ? null : disks,
    complete,
    bootId: row.bootId,
    uptimeSeconds: row.uptime_s,
  };
}

/** A report that was received longer after it was made came from the spool: it does not say when the client was reached. */
const longestVisitMs = minuteMs;

const nothing: readonly never[] = [];

/** What a row of `visits` says to the judge. */
export function sampleVisit({
  client,
  visit,
}: {
  readonly client: Client;
  readonly visit: UnprocessedVisit;
}): SampledRow {
  return {
    client: client.name,
    atMs: visit.startedAtMs,
    kind: 'visit',
    runId: visit.runId,
    evidence: `${visit.runId}/${client.name}`,
    samples: compiled(client.rules).sampleVisit(visit),
    ifWritable: nothing,
    visitEnd: endOfVisit(visit),
    disks: null,
    complete: nothing,
    bootId: null,
    uptimeSeconds: null,
  };
}

/**
 * What rules want to be loaded beside the rows of `stats`; with a row: beside that one. A whole report is wanted for a
 * rule that only it can answer, and of rows with failed units or failed probes for their names.
 */
export function needsOf(rules: readonly Rule[], row?: UnprocessedReport): Needs {
  const { needs, needsAlways } = compiled(rules);
  if (row === undefined || needsAlways.reports) return needs;
  const hasNames = (row.failed_units ?? 0) > 0 || row.probe_errors > 0;
  return hasNames ? needs : needsAlways;
}

interface Compiled {
  readonly samplers: readonly Sampler[];
  readonly arrival: Sample | null;
  readonly sampleVisit: (visit: UnprocessedVisit) => readonly Sample[];
  readonly needs: Needs;
  /** Of a row without failed units and failed probes. */
  readonly needsAlways: Needs;
}

/** Clients share their lists of rules, and a list never changes. */
const compiledRules = new WeakMap<readonly Rule[], Compiled>();

function compiled(rules: readonly Rule[]): Compiled {
  const known = compiledRules.get(rules);
  if (known !== undefined) return known;
  const made = compile(rules);
  compiledRules.set(rules, made);
  return made;
}

function compile(rules: readonly Rule[]): Compiled {
  const samplers = [
    createRowSampler(rules),
    createDiskSampler(rules),
    createMountSampler(rules),
    createMountConditionSampler(rules),
    createNetworkSampler(rules),
    createServiceSampler(rules),
    createProcessSampler(rules),
    createReportSampler(rules),
    createProbeSampler(rules),
  ];
  const disks = rules.some((rule) => readsDisks(rule) || rule.type === 'mount' || isMountCondition(rule));
  const networks = rules.some(readsNetworks);
  const always = rules.some(
    (rule) => readsReport(rule) || readsProcesses(rule) || (readsServices(rule) && rule.state === 'active'),
  );
  const sometimes = rules.some((rule) => readsServices(rule) || isProbeCondition(rule));
  return {
    samplers: samplers.filter((sampler) => sampler !== null),
    arrival: arrivalSample(rules),
    sampleVisit: createVisitSampler(rules),
    needs: { disks, networks, reports: always || sometimes },
    needsAlways: { disks, networks, reports: always },
  };
}
