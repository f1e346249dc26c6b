import type { Client, Config, Rule } from '../config/config.ts';
import type { AlertStore, MailSummary, NewestRows, RunFact } from '../storage/alert-store.ts';
import type { Episode, Told } from '../storage/episode.ts';
import { groupBy } from '../storage/group-by.ts';
import type { Observation, Reading } from './observation.ts';
import { needsOf, readReport, readVisit } from './read-row.ts';
import { openCovers } from './covers.ts';
import { isAcknowledged } from './hold.ts';
import { readWorld } from './read-world.ts';
import { createWatches } from './recipients-of.ts';
import type { Listener } from './recipients-of.ts';
import { tell } from './tell.ts';
import type { HoldReason, Telling } from './telling.ts';

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

export interface RuleExplained {
  readonly rule: Rule;
  /** What the newest row says of its subjects. */
  readonly readings: readonly Reading[];
  readonly listeners: readonly Listener[];
  /** Open ones first, then those that ended last. */
  readonly episodes: readonly EpisodeExplained[];
}

export interface EpisodeExplained {
  readonly episode: Episode;
  readonly told: readonly Told[];
  /** What keeps news of it from going out now, and what would: silences, windows and an acknowledgement in force. */
  readonly held: readonly { readonly recipient: string | null; readonly reason: HoldReason }[];
  /** Who would be told in a pass that began now. */
  readonly due: readonly string[];
}

export interface ExplainOptions {
  readonly config: Config;
  readonly store: AlertStore;
  readonly client: Client;
  readonly isWanted: (rule: string) => boolean;
  readonly nowMs: number;
  readonly firstPass: boolean;
}

const runsMs = 24 * 3_600_000;
/** Of a client: more is history, and for SQL. */
const episodesShown = 100;

export async function explainClient(options: ExplainOptions): Promise<ClientExplained> {
  const { config, store, client, isWanted, nowMs, firstPass } = options;
  const newest = await store.newestRows(client.name);
  const observations = await observe(store, client, newest);
  const readings = groupBy(
    observations.flatMap((observation) => observation.readings),
    ({ rule }) => rule,
  );
  const runs: readonly RunFact[] = await store.runs('collect', nowMs - runsMs);
  const telling = tell(await readWorld({ config, store, runs, nowMs, firstPass, newRules: new Set() }));
  const episodes = await store.episodesOf({ client: client.name, openOnly: false, limit: episodesShown });
  const told = groupBy(await store.toldOf(episodes.flatMap(({ id }) => id ?? [])), ({ alertId }) => alertId);
  const watchOf = createWatches(config);
  const covers = openCovers({
    config,
    silences: await store.silences(nowMs),
    windowsOf: () => client.windows,
  });
  const inForce = (episode: Episode): readonly HoldReason[] => {
    if (episode.state === 'resolved') return [];
    const { acknowledgedBy: by, acknowledgedUntilMs: untilMs } = episode;
    const acknowledged = by !== null && isAcknowledged(episode, nowMs);
    return [
      ...covers.reasonsAt(episode, nowMs),
      ...(acknowledged ? [{ kind: 'acknowledged' as const, by, untilMs }] : []),
    ];
  };
  const rules = client.rules.filter(({ name }) => isWanted(name));
  const explained = rules.map((rule): RuleExplained => {
    const { listeners } = watchOf({ client: client.name, rule: rule.name });
    const own = episodes.filter((episode) => episode.rule === rule.name);
    const open = own.filter(({ state }) => state !== 'resolved');
    const [ended] = own.filter(({ state }) => state === 'resolved');
    return {
      rule,
      readings: readings.get(rule) ?? [],
      listeners: [...listeners.values()],
      episodes: [...open, ...(ended === undefined ? [] : [ended])].map((episode) => ({
        episode,
        told: told.get(episode.id ?? NaN) ?? [],
        ...outlookOf(telling, episode, inForce(episode)),
      })),
    };
  });
  const concerned = new Set(
    explained.flatMap(({ listeners, episodes: own }) => [
      ...listeners.map(({ recipient }) => recipient),
      ...own.flatMap((one) => one.told.map(({ recipient }) => recipient)),
    ]),
  );
  const undelivered = (await store.undelivered()).filter(({ recipient }) => concerned.has(recipient));
  const memory = (await store.memories([client.name])).get(client.name) ?? null;
  return {
    client,
    reportAtMs: newest.report?.observedAtMs ?? null,
    visitAtMs: newest.visit?.startedAtMs ?? null,
    untreated:
      isNewer(newest.report?.observedAtMs, memory?.newestReportMs) ||
      isNewer(newest.visit?.startedAtMs, memory?.newestVisitMs),
    rules: explained,
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
      report: needs.reports ? ((await store.reportsOf(ids)).get(row.id) ?? null) : null,
    }),
  );
  return observed;
}

function outlookOf(
  { mails, held }: Telling,
  { id }: Episode,
  inForce: readonly HoldReason[],
): Pick<EpisodeExplained, 'held' | 'due'> {
  const now = held.filter(({ alertId }) => alertId === id).map(({ recipient, reason }) => ({ recipient, reason }));
  const named = new Set(now.map(({ reason }) => reason.kind));
  const others = inForce.filter(({ kind }) => !named.has(kind)).map((reason) => ({ recipient: null, reason }));
  return {
    held: [...now, ...others],
    due: mails.filter(({ items }) => items.some(({ alertId }) => alertId === id)).map(({ recipient }) => recipient),
  };
}

function isNewer(atMs: number | undefined, judgedMs: number | null | undefined): boolean {
  return atMs !== undefined && atMs > (judgedMs ?? -Infinity);
}
