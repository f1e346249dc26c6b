import { counted } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import type { Client, Config, Rule } from '../../config/config.ts';
import { isByMount } from '../../alerter/evaluate/rule-metric.ts';
import { groupBy } from '../../platform/group-by.ts';
import { globMatcher } from '../../config/values/globs.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import type { History } from '../../storage/store/storage.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** A rule for mounts or checks that matches nothing of any client with the rule; misspelt, perhaps. */
export interface IdleRule {
  readonly name: string;
  readonly what: 'mount' | 'check';
  /** The line of config.xml. */
  readonly line: number | null;
  /** The number of clients that have the rule and have reported. */
  readonly clients: number;
}

/**
 * Finds rules written for mounts that match no stored mount, and rules written for checks that match no check of the
 * newest reports and no `<check>`, each in the file's order.
 */
export async function findIdleRules(clients: readonly Client[], history: History): Promise<readonly IdleRule[]> {
  const mounts = await namesByClient(
    history,
    'SELECT l.client, d.mount AS name FROM latest_stats l JOIN disk_stats d ON d.stat_id = l.id',
  );
  const checks = await namesByClient(
    history,
    `SELECT l.client, c.check_name AS name
      FROM latest_stats l LEFT JOIN check_stats c ON c.stat_id = l.id AND c.refused = 0`,
  );
  const ofMounts = idleRules({
    what: 'mount',
    clients,
    patternOf: (rule) => {
      // A rule of type mount is about mounts that may be missing.
      return rule.type === 'mount' || !isByMount(rule) ? undefined : rule.selectors['mount'];
    },
    namesOf: ({ name }) => mounts.get(name),
  });
  const ofChecks = idleRules({
    what: 'check',
    clients,
    patternOf: (rule) => (rule.type === 'check' ? rule.selectors['check'] : undefined),
    namesOf: (client) => checks.get(client.name)?.concat(client.checks.map(({ requested }) => requested.name)),
  });
  return [...ofMounts, ...ofChecks];
}

/** Returns the names that a query finds for each client: none for a client whose only row has no name. */
async function namesByClient(history: History, sql: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = groupBy(await history.query(sql), ({ client }) => String(client));
  return new Map(
    [...rows].map(([client, own]) => [client, own.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))]),
  );
}

interface IdleOptions extends Pick<IdleRule, 'what'> {
  readonly clients: readonly Client[];
  /** Returns undefined for rules of another kind. */
  readonly patternOf: (rule: Rule) => string | undefined;
  /** Returns the names that a pattern may match, or undefined if the client has reported nothing. */
  readonly namesOf: (client: Client) => readonly string[] | undefined;
}

function idleRules({ what, clients, patternOf, namesOf }: IdleOptions): readonly IdleRule[] {
  const seen = new Map<Rule, { clients: number; matched: boolean; readonly matches: (name: string) => boolean }>();
  for (const client of clients) {
    const names = namesOf(client);
    if (names === undefined) continue;
    for (const rule of client.rules) {
      const pattern = rule.origin === 'file' ? patternOf(rule) : undefined;
      if (pattern === undefined) continue;
      const found = seen.get(rule) ?? { clients: 0, matched: false, matches: globMatcher(pattern) };
      found.clients += 1;
      found.matched ||= names.some((name) => found.matches(name));
      seen.set(rule, found);
    }
  }
  return [...seen]
    .filter(([, { matched }]) => !matched)
    .map(([{ name, line }, { clients: count }]) => ({ name, what, line, clients: count }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** A written rule whose values are missing in the reports of clients that have the rule. */
export interface UnknownRule {
  readonly name: string;
  /** The line of config.xml. */
  readonly line: number | null;
  /** The clients whose newest reports, three or more, lack the values that the rule evaluates. */
  readonly clients: readonly string[];
  readonly sinceMs: number;
}

interface ProcessedRows {
  readonly unknown: string[];
  readonly unmatched: string[];
  sinceMs: number;
  isOfUse: boolean;
}

/**
 * Finds written rules that cannot be evaluated for some clients, in the file's order. A rule that merely matches
 * nothing of a client counts if no client has a match. Reads the alerter's stored state of each client.
 */
export async function findUnknownRules(
  { clients, collector }: Pick<Config, 'clients' | 'collector'>,
  history: History,
): Promise<readonly UnknownRule[]> {
  const rows = await history.query('SELECT client, state FROM rule_state');
  const ruleStates = new Map(rows.map((row) => [String(row['client']), String(row['state'])]));
  const written = new Map<string, ProcessedRows & Pick<Rule, 'name' | 'line'>>();
  for (const client of clients) {
    const text = ruleStates.get(client.name);
    if (text === undefined) continue;
    const { unknown = {}, newestReportMs } = JSON.parse(text) as RuleState;
    for (const rule of client.rules) {
      if (rule.origin !== 'file') continue;
      const { file, line, name } = rule;
      const key = `${file ?? ''}\0${line ?? ''}\0${name}`;
      const found = written.get(key) ?? { name, line, unknown: [], unmatched: [], sinceMs: Infinity, isOfUse: false };
      written.set(key, found);
      note(found, client.name, rule, unknown[name], (newestReportMs ?? 0) - 1.5 * collector.everyMs);
    }
  }
  return [...written.values()]
    .map(({ name, line, unknown, unmatched, sinceMs, isOfUse }) => {
      return { name, line, clients: isOfUse ? unknown : [...unknown, ...unmatched], sinceMs };
    })
    .filter((rule) => rule.clients.length > 0)
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function note(
  found: ProcessedRows,
  client: string,
  rule: Rule,
  state: NonNullable<RuleState['unknown']>[string] | undefined,
  latestMs: number,
): void {
  if (state === undefined) found.isOfUse = true;
  // findIdleRules reports rules for mounts and checks.
  const isIdle = rule.type === 'check' || (isByMount(rule) && state?.matches === false);
  if (state === undefined || state.sinceMs > latestMs || isIdle) return;
  (state.matches ? found.unknown : found.unmatched).push(client);
  found.sinceMs = Math.min(found.sinceMs, state.sinceMs);
}

const nothing: Readonly<Record<IdleRule['what'], string>> = {
  mount: 'no mount stored so far',
  check: 'no check of the newest reports and no <check>',
};

/** Returns a sentence for each idle and each unknown rule. */
export function idleWords(
  idle: readonly IdleRule[],
  unknown: readonly UnknownRule[],
  time: ReaderTime,
): readonly string[] {
  return [
    ...idle.map(
      ({ name, what, line, clients }) =>
        `line ${line ?? '-'}: ${name} (${counted(clients, 'client')}) matches ${nothing[what]}`,
    ),
    ...unknown.map(({ name, line, clients, sinceMs }) => {
      const [first = ''] = clients;
      const whom = clients.length === 1 ? first : `${clients.length} clients, ${first} among them,`;
      const since = time.momentAndAge(sinceMs);
      return (
        `line ${line ?? '-'}: ${name} cannot evaluate ${whom} since ${since}: ` +
        `fleet-health explain ${shownShellWord(first)}`
      );
    }),
  ];
}

export function unknownRuleJson({ name, line, clients, sinceMs }: UnknownRule): object {
  return { name, line, clients, since: jsonTime(sinceMs) };
}
