import type { Client } from '../../config/config.ts';
import type { NewestRows } from '../../storage/store/alert-history.ts';
import type { MailSummary } from '../../storage/store/outbox-store.ts';
import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import { groupBy } from '../../platform/group-by.ts';
import { clientScope } from '../evaluate/event-samples.ts';
import { explainAlerts, explainEvents, type ExplainOptions, type RuleExplained } from './explain-alerts.ts';
import type { Sample, SampledRow } from '../evaluate/sample.ts';
import { isOutlierRule } from '../evaluate/outlier-samples.ts';
import { samplesOfClient, type ReadGroups } from '../absence/evaluate-outliers.ts';
import { readFigures } from '../outliers/read-figures.ts';
import { besideRow, loadRows } from '../evaluate/load-rows.ts';
import { sampleReport, sampleVisit } from '../evaluate/sample-row.ts';
import { rebootsSample } from '../transition/reboots.ts';
import { isOfReports, reasonInReport, unknownAfter, type UnknownRules } from '../transition/unknown-rules.ts';
import { visitConditions } from '../evaluate/rule-metric.ts';
import { unreliableSample } from '../evaluate/visit-conditions.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { sampleForecasts } from '../evaluate/forecast-samples.ts';
import { withWritable } from '../evaluate/disk-samplers.ts';

/** The reasons why alerts of a client were or were not notified, from stored data and config.xml alone. */
export interface ClientExplained {
  readonly client: Client;
  /** The time of the newest report; null if there is none. */
  readonly reportAtMs: number | null;
  readonly visitAtMs: number | null;
  /** True if there are rows that no pass has processed yet. */
  readonly unprocessed: boolean;
  readonly rules: readonly RuleExplained[];
  /** Mails to recipients of these rules that no mail server has accepted. */
  readonly undelivered: readonly MailSummary[];
}

export async function explainClient(options: ExplainOptions & { readonly client: Client }): Promise<ClientExplained> {
  const { storage, client } = options;
  const newest = await storage.alertHistory.newestRows(client.name);
  const memory = (await storage.evaluation.ruleStates([client.name])).get(client.name) ?? null;
  const writable = new Set(memory?.writable);
  const sampledRows = await observe(storage.evaluation, client, newest);
  const unreliable = findRule(client.rules, 'unreliable');
  const visits = memory?.visits ?? [];
  const reboots = findRule(client.rules, 'reboots');
  const forecasts = await storage.levels.forecasts([client.name]);
  const reader = { zone: options.config.alerts.zone, nowMs: options.nowMs };
  const samples = groupBy(
    [
      ...sampleForecasts(client.rules, { forecasts, known: { space: [], inodes: [] } }, reader),
      ...(await sampleFigures(options)),
      ...(client.state === 'active' ? await explainEvents(options, clientScope(client)) : []),
      ...sampledRows.flatMap((sampledRow) => withWritable(sampledRow, writable).samples),
      ...(unreliable === null || visits.length === 0 ? [] : [unreliableSample(unreliable, visits)]),
      ...(reboots === null || newest.report === null ? [] : [rebootsSample(reboots, memory?.boots ?? [])]),
    ],
    ({ rule }) => rule,
  );
  const unknown = await explainUnknown(options, newest, sampledRows, memory?.unknown ?? {});
  const { rules, undelivered } = await explainAlerts(options, {
    about: 'client',
    ...client,
    subjectsOf: (rule) => (samples.get(rule) ?? []).map(({ subject }) => subject),
  });
  return {
    client,
    reportAtMs: newest.report?.observedAtMs ?? null,
    visitAtMs: newest.visit?.startedAtMs ?? null,
    unprocessed:
      isNewer(newest.report?.observedAtMs, memory?.newestReportMs) ||
      isNewer(newest.visit?.startedAtMs, memory?.newestVisitMs),
    rules: rules.filter(isOf(client)).map((one) => ({
      ...one,
      samples: samples.get(one.rule) ?? [],
      unknown: unknown.get(one.rule.name) ?? null,
    })),
    undelivered,
  };
}

/** Returns a function that is true for the rules that apply to a client: a client that pushes has no host key. */
function isOf({ arrival }: Client): (explained: Pick<RuleExplained, 'rule'>) => boolean {
  return ({ rule }) => arrival.kind !== 'comes' || rule.name === 'unreachable' || !visitConditions.includes(rule.name);
}

/** Samples the figures of the client by its wanted rules of outliers. */
async function sampleFigures({
  config,
  storage: { figures },
  client,
  isWanted,
  nowMs,
}: ExplainOptions & { readonly client: Client }): Promise<readonly Sample[]> {
  if (client.state !== 'active') return [];
  const rules = client.rules.filter((rule) => isOutlierRule(rule) && isWanted(rule.name));
  const readGroups: ReadGroups = async (groups) => (await readFigures({ config, figures, nowMs }, groups)).groups;
  return await samplesOfClient({ config, readGroups }, { name: client.name, rules });
}

/** Returns, by rule, the reason why the newest report has no sample. Uses the client's own reason if it gave one. */
async function explainUnknown(
  { storage, client }: ExplainOptions & { readonly client: Client },
  { report: row }: NewestRows,
  sampledRows: readonly SampledRow[],
  before: UnknownRules,
): Promise<ReadonlyMap<string, NonNullable<RuleExplained['unknown']>>> {
  const observed = sampledRows.find(({ kind }) => kind === 'report');
  if (row === null || observed === undefined) return new Map();
  const unknown = unknownAfter(client.rules.filter(isOfReports), before, observed);
  const isAny = Object.values(unknown).some(({ matches }) => matches);
  const report = isAny ? ((await (await storage.evaluation.reportsOf([row.id])).get(row.id)) ?? null) : null;
  return new Map(
    client.rules.flatMap((rule) => {
      const found = unknown[rule.name];
      if (found === undefined) return [];
      const given = report === null ? null : reasonInReport(rule, report);
      const reason = found.matches
        ? (given ?? 'its reports do not say it')
        : 'its reports list nothing that it selects';
      return [[rule.name, { reason, sinceMs: found.sinceMs }] as const];
    }),
  );
}

async function observe(
  store: EvaluationStore,
  client: Client,
  { report: row, visit }: NewestRows,
): Promise<readonly SampledRow[]> {
  const observed = visit === null ? [] : [sampleVisit({ client, visit })];
  if (row === null) return observed;
  const batch = { reports: [row], visits: [] };
  const loaded = await loadRows({ clients: new Map([[row.client, client]]), store, batch });
  return [...observed, sampleReport({ client, row, ...(await besideRow(loaded, row.id)) })];
}

function isNewer(atMs: number | undefined, judgedMs: number | null | undefined): boolean {
  return atMs !== undefined && atMs > (judgedMs ?? -Infinity);
}
