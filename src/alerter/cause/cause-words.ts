import { minuteMs, hourMs, dayMs } from '../../platform/units.ts';
import type { Cause, NamedChanges } from '../../storage/store/alert.ts';
import { changeWords } from '../../text/change-words.ts';
import { commaGrouped } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { bootItems } from './weigh-changes.ts';

const plurals: Readonly<Record<string, string>> = {
  package: 'package',
  file: 'file',
  unit: 'unit',
  account: 'account',
  listener: 'port',
  mount: 'mount',
};

/**
 * Describes what changed before an alert: `Changed before it: /etc/nginx/nginx.conf, 4 min before, on web-1 alone of 80
 * in web.` Returns null if nothing is named. `what` names the alert.
 */
export function causeSentence(client: string, { changes, allOf, configBeforeMs }: Cause, what = 'it'): string | null {
  const config = configBeforeMs === null ? '' : `config.xml changed ${beforeWords(configBeforeMs)} ${what}.`;
  if (changes.length === 0) return config === '' ? null : config;
  const ofAbsence = changes.flatMap((set) => (set.away === true ? [awaySentence(client, set, what)] : []));
  const before = changes.filter(({ away }) => away !== true);
  const wordsOf = (set: NamedChanges): string => `${namedWords(set)}${commandFor(client, set)}`;
  const sets = before.map((set) => `${wordsOf(set)}, ${beforeWords(set.beforeMs)}${membersWords(client, set)}`);
  const isMany = changes.some(({ failing: [having] }) => having > 1);
  const common = allOf === null ? '' : `${isMany ? 'They' : 'Those that fail'} are also all of ${quoted(allOf)}.`;
  const sentence = sets.length === 0 ? '' : `Changed before ${what}: ${sets.join('; ')}.`;
  return [...ofAbsence, sentence, common, config].filter((part) => part !== '').join(' ');
}

/** Describes what changed in an absence: `Changed while it was away: new app.service, booted 4 min before.` */
function awaySentence(client: string, set: NamedChanges, what: string): string {
  const who = what === 'it' ? 'it' : quoted(client);
  return `Changed while ${who} was away: ${namedWords(set)}${commandFor(client, set)}.`;
}

/** Returns the command that shows the changes that a set only counts; '' if it names all. */
function commandFor(client: string, { more, further = [], away, earliestAtMs, latestAtMs }: NamedChanges): string {
  if (further.length === 0 || more <= further.length) return '';
  // A day earlier is right in every zone.
  const since = new Date((away === true ? earliestAtMs : latestAtMs) - dayMs).toISOString().slice(0, 10);
  return ` (fleet-health changes ${shownShellWord(client)} --since ${since})`;
}

type NamedSet = Pick<
  NamedChanges,
  'kind' | 'item' | 'before' | 'after' | 'further' | 'more' | 'moreKind' | 'bootBeforeMs'
>;

/** Describes changes that came together: `openssl 3.0.11 to 3.0.14, /etc/hosts, new port tcp 443 and 3 more files`. */
export function namedWords({
  kind,
  item,
  before,
  after,
  further = [],
  more,
  moreKind,
  bootBeforeMs,
}: NamedSet): string {
  const names = [{ kind, item, before, after }, ...further].map((one) => {
    const words = quoted(changeWords({ kind: one.kind, item: one.item, oldValue: one.before, newValue: one.after }));
    if (one.kind !== 'system' || bootBeforeMs === undefined || !bootItems.includes(one.item)) return words;
    return `${words}${one.item === 'boot' ? '' : ', booted'} ${beforeWords(bootBeforeMs)}`;
  });
  const left = more - further.length;
  if (left === 0 && names.length > 1) return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  if (left === 0) return names.join('');
  const noun = (moreKind === null ? null : plurals[moreKind]) ?? 'change';
  return `${names.join(', ')} and ${commaGrouped(left)} more ${noun}${left === 1 ? '' : 's'}`;
}

/** Formats the time from a change to an alert, rounded: `4 min before`, `14 h before`. */
export function beforeWords(ms: number): string {
  if (ms < minuteMs) return 'less than 1 min before';
  if (ms < 59.5 * minuteMs) return `${Math.round(ms / minuteMs)} min before`;
  return ms < 2 * dayMs ? `${Math.round(ms / hourMs)} h before` : `${Math.round(ms / dayMs)} days before`;
}

function membersWords(
  client: string,
  { group, failing: [having, failing], others: [alike, others] }: NamedChanges,
): string {
  if (group === null) return '';
  const name = quoted(group);
  if (having === 1 && alike === 0 && failing === 1) return `, on ${quoted(client)} alone of ${others + 1} in ${name}`;
  const which = having === failing ? `all ${failing} that fail` : `${having} of the ${failing} that fail`;
  if (others === 0) return `, on ${failing === 1 ? quoted(client) : which} of ${name}`;
  return `, on ${failing === 1 ? quoted(client) : which} and on ${alike === 0 ? 'none' : alike} of the other ${others} of ${name}`;
}
