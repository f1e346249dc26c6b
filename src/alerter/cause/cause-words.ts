import { minuteMs, hourMs, dayMs } from '../../platform/units.ts';
import type { Cause, NamedChanges } from '../../storage/store/alert.ts';
import { changeWords } from '../../text/change-words.ts';
import { commaGrouped } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';

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
  const sets = changes.map((set) => `${namedWords(set)}, ${beforeWords(set.beforeMs)}${membersWords(client, set)}`);
  const isMany = changes.some(({ failing: [having] }) => having > 1);
  const common = allOf === null ? '' : `${isMany ? 'They' : 'Those that fail'} are also all of ${quoted(allOf)}.`;
  return [`Changed before ${what}: ${sets.join('; ')}.`, common, config].filter((part) => part !== '').join(' ');
}

/** Describes changes that came together: `openssl 3.0.11 to 3.0.14 and 3 more packages`. */
export function namedWords({
  kind,
  item,
  before,
  after,
  more,
  moreKind,
}: Pick<NamedChanges, 'kind' | 'item' | 'before' | 'after' | 'more' | 'moreKind'>): string {
  const first = quoted(changeWords({ kind, item, oldValue: before, newValue: after }));
  if (more === 0) return first;
  const noun = (moreKind === null ? null : plurals[moreKind]) ?? 'change';
  return `${first} and ${commaGrouped(more)} more ${noun}${more === 1 ? '' : 's'}`;
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
