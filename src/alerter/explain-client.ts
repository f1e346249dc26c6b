import type { Client } from '../config/config.ts';
import type { AlertStore, MailSummary, NewestRows } from '../storage/alert-store.ts';
import { groupBy } from '../storage/group-by.ts';
import { explainEpisodes } from './explain-episodes.ts';
import type { ExplainOptions, RuleExplained } from './explain-episodes.ts';
import type { Observation } from './observation.ts';
import { needsOf, readReport, readVisit } from './read-row.ts';
import { readUnreliable, unreliableRule } from './unreliable.ts';
import { withWritable } from './was-writable.ts';

/** Why something of a client was or was not told, from what is stored and config.xml alone. */
export interface ClientExplained {
  readonly client: Client;
  /** When the newest report was observed; null: there is none. */
  readonly reportAtMs: number | null;
  readonly visitAtMs: number | null;
  /** Rows that no pass has judged yet. */
  readonly untreated: boolean;
  readonly rules: readonly RuleExplained[];
  /** Mails to those who are told of these rules, and that no mail server has taken. */
  readonly undelivered: readonly MailSummary[];
}

export async function explainClient(options: ExplainOptions & { readonly client: Client }): Promise<ClientExplained> {
  const { store, client } = options;
  const newest = await store.newestRows(client.name);
  const memory = (await store.memories([client.name])).get(client.name) ?? null;
  const writable = new Set(memory?.writable);
  const observations = await observe(store, client, newest);
  const unreliable = unreliableRule(client.rules);
  const visits = memory?.visits ?? [];
  const readings = groupBy(
    [
      ...observations.flatMap((observation) => withWritable(observation, writable).readings),
      ...(unreliable === null || visits.length === 0 ? [] : [readUnreliable(unreliable, visits)]),
    ],
    ({ rule }) => rule,
  );
  const { rules, undelivered } = await explainEpisodes(options, {
    ...client,
    subjectsOf: (rule) => (readings.get(rule) ?? []).map(({ subject }) => subject),
  });
  return {
    client,
    reportAtMs: newest.report?.observedAtMs ?? null,
    visitAtMs: newest.visit?.startedAtMs ?? null,
    untreated:
      isNewer(newest.report?.observedAtMs, memory?.newestReportMs) ||
      isNewer(newest.visit?.startedAtMs, memory?.newestVisitMs),
    rules: rules.map((one) => ({ ...one, readings: readings.get(one.rule) ?? [] })),
    undelivered,
  };
}

async function observe(
  store: AlertStore,
  client: Client,
  { report: row, visit }: NewestRows,
): Promise<readonly Observation[]> {
  const observed: Observation[] = visit === null ? [] : [readVisit({ client, visit })];
  if (row === null) return observed;
  const needs = needsOf(client.rules, row);
  const ids = [row.id];
  observed.push(
    readReport({
      client,
      row,
      disks: needs.disks ? ((await store.disksOf(ids)).get(row.id) ?? []) : null,
      networks: needs.networks ? ((await store.networksOf(ids)).get(row.id) ?? []) : null,
      report: needs.reports ? ((await (await store.reportsOf(ids)).get(row.id)) ?? null) : null,
    }),
  );
  return observed;
}

function isNewer(atMs: number | undefined, judgedMs: number | null | undefined): boolean {
  return atMs !== undefined && atMs > (judgedMs ?? -Infinity);
}
