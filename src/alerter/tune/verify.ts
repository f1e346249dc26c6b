import { membersByGroup } from '../../config/clients/group-needs.ts';
import { parentsOf } from '../../config/clients/parents.ts';
import type { Config } from '../../config/config.ts';
import { followsNoChange } from '../dispatch/notification-plan.ts';
import { replay, type ReplayedItem, type ReplayedMail } from '../replay/replay.ts';
import { ruleAfter, type TuneLine } from './propose.ts';
import type { ReadFacts, TuneStorage } from './read-facts.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';

/** The visits that a replay reads at most, so that it ends within a minute. */
const mostVisits = 1_000_000;

/** The counts of a replay with all edits. */
export interface Verified {
  /** The span of the rows. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The mails of the span to persons, those about clients that were not replayed included. */
  readonly mails: number;
  /** The mails that the span had. */
  readonly mailsBefore: number;
  /** The mails that the proposals promise. */
  readonly promised: number;
  /** Returns the mails about the alerts of a line. */
  readonly mailsOf: (line: TuneLine) => number;
}

interface VerifyOptions {
  /** The configuration with the edits. */
  readonly edited: Config;
  readonly storage: TuneStorage;
  readonly read: ReadFacts;
  readonly lines: readonly TuneLine[];
  readonly signal: AbortSignal;
  readonly observe: (share: number) => void;
}

/** Replays the clients that edits concern, with all edits. Returns null if nothing is proposed or no row is left. */
export async function verify(options: VerifyOptions): Promise<Verified | null> {
  const { edited, storage, read, lines, signal, observe } = options;
  const names = concernedBy(edited, lines);
  if (names.size === 0) return null;
  const { untilMs, sinceMs: askedMs } = read.facts;
  const { rawMs } = edited.retention;
  const longestMs = Math.min(rawMs, (mostVisits / names.size) * edited.collector.everyMs);
  const isAll = edited.clients.every(({ name }) => names.has(name));
  const config: Config = {
    ...edited,
    clients: edited.clients.filter(({ name }) => names.has(name)),
    needs: edited.needs.filter(({ name }) => membersOf(edited, name).every((member) => names.has(member))),
    // The conditions of the fleet need all clients.
    alerts: isAll ? edited.alerts : { ...edited.alerts, rules: [] },
  };
  const clients = isAll ? null : [...names];
  const span = { sinceMs: Math.max(askedMs, untilMs - longestMs), untilMs };
  const result = await replay({ config, storage, ...span, clients, signal, observe });
  if (result.firstRowMs === null) return null;
  const sinceMs = Math.max(span.sinceMs, result.firstRowMs);
  const news = result.mails.filter((mail) => !mail.alreadyTrue && hasNews(mail, () => true));
  const before = [...read.mails.values()].filter(([first]) => (first?.createdAtMs ?? 0) >= sinceMs);
  const clientOf = new Map(read.units.flatMap(({ alerts }) => alerts.map(({ id, client }) => [id, client] as const)));
  const isOther = (alertId: number): boolean => !names.has(clientOf.get(alertId) ?? '');
  const removed = new Set(lines.flatMap(({ proposal }) => proposal?.removed ?? []));
  return {
    ...{ sinceMs, untilMs, mailsBefore: before.length },
    mails: news.length + before.filter((mail) => mail.every(({ alertId }) => isOther(alertId))).length,
    promised: before.filter((mail) => mail.some((one) => !removed.has(one))).length,
    mailsOf: (line) => {
      const own = new Set(line.clients);
      // `unreliable` tells what a longer `for` of `unreachable` leaves out.
      const rules = new Set([line.name, ruleAfter(line), ...(line.name === 'unreachable' ? ['unreliable'] : [])]);
      const isOwn = ({ client, rule, subject }: ReplayedItem): boolean =>
        own.has(client) && rules.has(rule) && (line.subject ?? subject) === subject;
      return news.filter((mail) => mail.atMs >= (line.sinceMs ?? 0) && hasNews(mail, isOwn)).length;
    },
  };
}

/** True if a mail to a person has news of alerts that pass a test: not a reminder alone. */
function hasNews({ recipient, items }: ReplayedMail, test: (item: ReplayedItem) => boolean): boolean {
  return (
    nameIfKind('mail', recipient) !== null && items.some((item) => !followsNoChange(item.transition) && test(item))
  );
}

/** Returns the clients of the edits, what they stand on, and the members of groups that need some of them. */
function concernedBy(config: Config, lines: readonly TuneLine[]): ReadonlySet<string> {
  const edits = lines.filter(({ proposal }) => proposal !== null);
  const names = new Set(edits.flatMap(({ clients }) => clients));
  for (const { name } of config.needs) {
    const members = membersOf(config, name);
    if (members.some((member) => names.has(member))) for (const member of members) names.add(member);
  }
  for (const name of [...names])
    for (const parent of parentsOf(config).of(name)) for (const one of parent.names) names.add(one);
  return new Set(config.clients.map(({ name }) => name).filter((name) => names.has(name)));
}

function membersOf(config: Config, group: string): readonly string[] {
  return (membersByGroup(config).get(group) ?? []).map(({ name }) => name);
}
