import { parentsOf } from '../../config/clients/parents.ts';
import type { Config } from '../../config/config.ts';
import type { WrittenRule } from '../../config/describe-defaults.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { secondMs } from '../../platform/units.ts';
import { formatDuration } from '../../text/durations.ts';
import { renderTable } from '../terminal/table.ts';
import { idleGroups } from '../../alerter/explain/group-words.ts';
import { servingRange } from '../../alerter/inhibit/group-states.ts';
import { awayWords } from '../../config/clients/group-needs.ts';
import { foreseeLooks } from '../../collector/neighbours/choose-neighbours.ts';
import { createHandshakeLimits } from '../../collector/schedule/handshake-limits.ts';
import { loadRestrictedKeys } from '../../collector/visit/restricted-keys.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { UnaskedReason } from '../../report/beside.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import { nextDigests, type AlertRecipient, type GroupMembers, type NextWindow } from './alert-recipients.ts';

/** Prints the recipients by rule, and when windows are open next. */
export function printRecipients(
  output: Output,
  config: Config,
  recipients: readonly AlertRecipient[],
  windows: readonly NextWindow[],
): void {
  const table = renderTable(
    output,
    [
      { title: 'who is notified', cell: ({ recipient }) => recipient },
      { title: 'from', cell: ({ severity, within_hours: hours }) => `${severity}${hours ? ', in hours' : ''}` },
      ...(recipients.some(({ after_seconds: after }) => after !== null)
        ? [{ title: 'not acknowledged for', cell: delayText }]
        : []),
      { title: 'clients', cell: ({ clients }) => (clients === 0 ? 'the fleet' : String(clients)) },
      { title: 'rules', shrinks: true, cell: rulesText },
    ],
    recipients,
  );
  if (recipients.length > 0) output.print(`${table}\n`);
  const time = readerTime(config, Date.now());
  for (const { clients, severity, rules, next } of windows) {
    const what = `${severity === null ? 'everything' : 'warnings'}${rules.length === 0 ? '' : ` of ${rules.join(', ')}`}`;
    const when = next.map(
      (one) => `${time.moment(Date.parse(one.starts_at))} to ${time.moment(Date.parse(one.ends_at))}`,
    );
    const of = clients === 0 ? 'the fleet' : clients === 1 ? '1 client' : `${clients} clients`;
    output.print(escapeControls(`window for ${what} of ${of}: ${when.length === 0 ? 'never again' : when.join(', ')}`));
  }
}

const maxRules = 20;

/** A machine that clients stand on, or several of which one is enough. */
interface WrittenParent {
  readonly parent: string;
  /** The machines among these that are no client, which are away when all that stands on them is. */
  readonly no_client: readonly string[];
  readonly clients: number;
}

/** Returns the machines that clients stand on, with the numbers of clients. */
export function writtenParents(config: Config): readonly WrittenParent[] {
  const { all, clientsOn } = parentsOf(config);
  const known = new Set([...config.clients, ...config.bastions].map(({ name }) => name));
  return [...all.values()].flatMap(({ name, names, isBastion }) => {
    const no_client = names.filter((one) => !known.has(one));
    return isBastion ? [] : [{ parent: name, no_client, clients: clientsOn(name).length }];
  });
}

/** Prints the machines that clients stand on. */
export function printParents(output: Output, config: Config): void {
  const parents = writtenParents(config);
  if (parents.length === 0) return;
  const table = renderTable(
    output,
    [
      { title: 'stands on', shrinks: true, cell: ({ parent }) => parent },
      { title: 'clients', cell: ({ clients }) => String(clients) },
      { title: 'no client', shrinks: true, cell: (one) => one.no_client.join(', ') },
    ],
    parents.slice(0, maxRules),
  );
  const more = parents.length - maxRules;
  output.print(`${table}\n${more > 0 ? `and ${more} more; check CLIENT shows them\n` : ''}`);
}

/** Prints the next time and the recipients of each digest. */
export function printDigests(output: Output, config: Config): void {
  const nowMs = Date.now();
  const { zone, moment } = readerTime(config, nowMs);
  for (const { digest, to, next } of nextDigests(config, nowMs)) {
    const when = moment(Date.parse(next));
    output.print(escapeControls(`digest ${digest} to ${to.join(', ')}: next ${when} (${zone})`));
  }
}

/** Returns the time for which nobody acknowledged an alert before its recipient is notified; '' if there is none. */
function delayText({ after_seconds: after }: AlertRecipient): string {
  return after === null ? '' : formatDuration(after * secondMs);
}

function rulesText({ rules, not_heard: unheard }: AlertRecipient): string {
  const written = unheard.length === 0 ? '' : `; not ${unheard.join(', ')}`;
  return `${rules.length === 0 ? 'all' : rules.join(', ')}${written}`;
}

/** Prints the rules that config.xml writes, with their levels and their `for`. */
export function printRules(output: Output, rules: readonly WrittenRule[]): void {
  if (rules.length === 0) return;
  const table = renderTable(
    output,
    [
      { title: 'rule', shrinks: true, cell: ({ rule }) => rule },
      { title: 'limit', shrinks: true, cell: (one) => one.limit_text },
      { title: 'clients', cell: ({ clients }) => (clients === 0 ? 'the fleet' : String(clients)) },
    ],
    rules.slice(0, maxRules),
  );
  const more = rules.length - maxRules;
  output.print(`${table}\n${more > 0 ? `and ${more} more; check CLIENT shows them\n` : ''}`);
}

/** The most members or recipients of a group that are named. */
const maxNames = 5;

/** Returns the lines of `check` about these groups, and about those whose need has no effect. */
export function groupLines(config: Config, groups: readonly GroupMembers[]): readonly string[] {
  const lines = groups.map(({ group, members, needed, serving, lost, unknown, state, recipients, ...more }) => {
    const range = serving === null || state === null ? null : servingRange({ serving, unknown, state }, ' to ');
    const now = range === null ? '' : `, ${range} ${range === '1' ? 'serves' : 'serve'} now`;
    const away = lost.length === 0 ? '' : ` (away: ${namedUpTo(maxNames, lost)})`;
    const open = unknown.length === 0 ? '' : ` (unknown: ${namedUpTo(maxNames, unknown)})`;
    const heard = namedUpTo(maxNames, recipients);
    const how = recipients.length === 0 ? 'alerts of their own: nobody hears group-short' : `told to ${heard}`;
    const apart = namedUpTo(maxNames, more.member_recipients);
    const each = apart === '' ? '' : `; each member that is away is told, also then, to ${apart}`;
    const pages = `${members - needed + 1} away at once are ${how}`;
    return `Group ${group}: ${needed} of ${members}: ${awayWords(members - needed)}${now}${away}${open}; ${pages}${each}.`;
  });
  return [...lines, ...idleGroups(config).map((line) => `Group ${line}`)].map(escapeControls);
}

/** Why nobody could be asked about clients, as config.xml says it before the first outage. */
const unaskedWords: Readonly<Partial<Record<UnaskedReason, string>>> = {
  nobody: 'no other client with neighbours="yes" has its subnet or its group behind the same bastions',
  restricted: 'the keys of those beside it are restricted to their agent',
  address: 'OpenSSH alone knows its address',
  shared: 'several clients have its address',
  local: 'its address is a machine of its own for each that dials it, such as 127.0.0.1, or one of this machine',
};

/** The clients about which somebody could be asked, and the others by the reason. */
export interface ForeseenLooks {
  readonly asked_about: number;
  readonly not_asked_about: readonly { readonly reason: UnaskedReason; readonly clients: readonly string[] }[];
}

/** Returns about which clients others could be asked (`neighbours`); null if about none they should be. */
export function foreseenLooks(config: Config): ForeseenLooks | null {
  const { clients, collector, stateDir } = config;
  if (!clients.some(({ neighbours }) => neighbours)) return null;
  const shared = createTransportShared({ config });
  const { bastionsOf } = createHandshakeLimits(collector, (client) => shared.jumpsTo(client));
  const restricted = loadRestrictedKeys(statePaths(stateDir).restrictedKeys);
  const foreseen = foreseeLooks({
    clients,
    chainOf: (client) => [...bastionsOf(client)],
    isRestricted: (client) => restricted.has(client),
  });
  const reasons = groupBy([...foreseen], ([, reason]) => reason);
  return {
    asked_about: reasons.get(null)?.length ?? 0,
    not_asked_about: [...reasons].flatMap(([reason, own]) =>
      reason === null ? [] : [{ reason, clients: own.map(([{ name }]) => name) }],
    ),
  };
}

/** Returns the lines of `check` about looks from beside. */
export function neighbourLines(looks: ForeseenLooks | null): readonly string[] {
  if (looks === null) return [];
  const { asked_about: asked, not_asked_about: not } = looks;
  const all = not.reduce((sum, { clients }) => sum + clients.length, asked);
  return [
    `Seen from beside: others can be asked about ${asked} of ${counted(all, 'client')} that ${all === 1 ? 'is' : 'are'} lost.`,
    ...not.map(({ reason, clients }) => {
      const why = unaskedWords[reason] ?? reason;
      return `Nobody can be asked about ${namedUpTo(maxNames, clients)}: ${why}.`;
    }),
  ].map(escapeControls);
}
