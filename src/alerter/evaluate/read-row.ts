import type { Client, Rule } from '../../config/config.ts';
import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import type { Report } from '../../report/report.ts';
import type { UntreatedReport, UntreatedVisit } from '../../storage/store/alert-store.ts';
import type { Observation, Reading } from './observation.ts';
import { readFamilies } from './report-families.ts';
import { createDiskSampler, isJudgedByDisks } from './rule-samples-disks.ts';
import { createMountConditionSampler, createMountSampler, isMountCondition } from './rule-samples-mounts.ts';
import { createNetworkSampler, isJudgedByNetworks } from './rule-samples-networks.ts';
import { createProbeSampler, isProbeCondition } from './rule-samples-probes.ts';
import { createProcessSampler, isJudgedByProcesses } from './rule-samples-processes.ts';
import { createReportSampler, isJudgedByReport } from './rule-samples-report.ts';
import { createRowSampler } from './rule-samples-row.ts';
import { createServiceSampler, isJudgedByServices } from './rule-samples-services.ts';
import type { Needs, Sampler } from './rule-samples.ts';
import { endOfVisit } from './unreliable.ts';
import { createVisitReader, readingOfArrival } from './visit-conditions.ts';

export interface ReadReportOptions {
  readonly client: Client;
  readonly row: UntreatedReport;
  /** null: not loaded, because no rule needs them. */
  readonly disks: readonly DiskRow[] | null;
  readonly networks: readonly NetworkRow[] | null;
  /** null: not loaded, or no longer kept; what needs it is unknown then. */
  readonly report: Report | null;
}

/** What a row of `stats` says to the judge, by the rules of its client. */
export function readReport({ client, row, disks, networks, report }: ReadReportOptions): Observation {
  const { samplers, arrival } = compiled(client.rules);
  const isOfVisit = row.receivedAtMs - row.observedAtMs <= longestVisitMs;
  const readings: Reading[] = arrival === null || !isOfVisit ? [] : [arrival];
  const complete: string[] = [];
  const families = report === null ? null : readFamilies(report);
  const samples = { readings, ifWritable: [] as Reading[], complete };
  const input = { row, disks, networks, families };
  for (const sample of samplers) sample(input, samples);
  return {
    client: client.name,
    atMs: row.observedAtMs,
    kind: 'report',
    runId: row.runId,
    evidence: row.reportId,
    readings,
    ifWritable: samples.ifWritable,
    visitEnd: null,
    disks: row.unresponsive_mounts === null ? null : disks,
    complete,
    bootId: row.bootId,
    uptimeSeconds: row.uptime_s,
  };
}

/** A report that was received longer after it was made came from the spool: it does not say when the client was reached. */
const longestVisitMs = 60_000;

const nothing: readonly never[] = [];

/** What a row of `visits` says to the judge. */
export function readVisit({ client, visit }: { readonly client: Client; readonly visit: UntreatedVisit }): Observation {
  return {
    client: client.name,
    atMs: visit.startedAtMs,
    kind: 'visit',
    runId: visit.runId,
    evidence: `${visit.runId}/${client.name}`,
    readings: compiled(client.rules).readVisit(visit),
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
export function needsOf(rules: readonly Rule[], row?: UntreatedReport): Needs {
  const { needs, needsAlways } = compiled(rules);
  if (row === undefined || needsAlways.reports) return needs;
  const hasNames = (row.failed_units ?? 0) > 0 || row.probe_errors > 0;
  return hasNames ? needs : needsAlways;
}

interface Compiled {
  readonly samplers: readonly Sampler[];
  readonly arrival: Reading | null;
  readonly readVisit: (visit: UntreatedVisit) => readonly Reading[];
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
  const disks = rules.some((rule) => isJudgedByDisks(rule) || rule.type === 'mount' || isMountCondition(rule));
  const networks = rules.some(isJudgedByNetworks);
  const always = rules.some(
    (rule) =>
      isJudgedByReport(rule) || isJudgedByProcesses(rule) || (isJudgedByServices(rule) && rule.state === 'active'),
  );
  const sometimes = rules.some((rule) => isJudgedByServices(rule) || isProbeCondition(rule));
  return {
    samplers: samplers.filter((sampler) => sampler !== null),
    arrival: readingOfArrival(rules),
    readVisit: createVisitReader(rules),
    needs: { disks, networks, reports: always || sometimes },
    needsAlways: { disks, networks, reports: always },
  };
}
