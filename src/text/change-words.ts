import { groupBy } from '../platform/group-by.ts';
import { shortened } from './shortened.ts';

/** A change of the state of a client: an item with its value before and after, null where it did not exist. */
interface ChangedItem {
  readonly kind: string;
  readonly item: string;
  readonly oldValue: string | null;
  readonly newValue: string | null;
}

/** The longest name in a sentence, and the longest part of a value. */
const maxName = 60;
/** A digest, or time and size: values that say nothing to people. */
const dull = /(?:^| )(?:[0-9a-f]{32}|\d{4}-\d\d-\d\dT\S+Z \d+)$/;

/** The words for a kind: its name before an item, and the parts of a value that people read. */
interface KindWords {
  readonly noun: string;
  readonly partsOf: (value: string) => readonly string[];
}

const kinds: Readonly<Record<string, KindWords>> = {
  account: {
    noun: 'account ',
    partsOf: (value) => {
      const [id = '', home = '', shell = '', groups = ''] = value.split(' ');
      return [`id ${id}`, home, shell, ...partsBetween(groups, ',').map((group) => `in ${group}`)];
    },
  },
  listener: { noun: 'port ', partsOf: (value) => [value === 'any' ? 'on any address' : `on ${value}`] },
  mount: {
    noun: 'mount ',
    partsOf: (value) => {
      const [type = '', source = '', options = ''] = value.split(' ');
      return [source, type, ...partsBetween(options, ',')];
    },
  },
  unit: { noun: '', partsOf: (value) => partsBetween(value.replace(dull, ''), ' ') },
};
const others: KindWords = { noun: '', partsOf: (value) => partsBetween(value.replace(dull, ''), '\0') };

/** Groups changes with the same words, such as boots of many clients, in the order of their first ones. */
export function foldChanges<Change extends ChangedItem>(changes: readonly Change[]): readonly (readonly Change[])[] {
  return [...groupBy(changes, (change) => `${change.kind} ${changeWords(change)}`).values()];
}

/**
 * Describes a change: `openssl 3.0.11 to 3.0.14`, `/etc/nginx/nginx.conf`, `nginx.service masked`, `new port tcp 443`,
 * `account deploy now in sudo`.
 */
export function changeWords({ kind, item, oldValue, newValue }: ChangedItem): string {
  const { noun, partsOf } = kinds[kind] ?? others;
  const name = noun + shortened(kind === 'package' ? packageName(item) : systemName(kind, item), maxName);
  const before = oldValue === null ? [] : partsOf(oldValue);
  const after = newValue === null ? [] : partsOf(newValue);
  if (kind === 'package' && oldValue === null) return `${name} ${wordsOf(after)} installed`;
  if (kind === 'package' && newValue === null) return `${name} ${wordsOf(before)} removed`;
  if (kind === 'unit') return unitWords(name, oldValue, newValue);
  if (oldValue === null) return `new ${name}${newWords(kind, after)}`;
  if (newValue === null) return `${name} gone`;
  if (kind === 'system' && item === 'boot') return 'booted';
  return differenceWords(name, before, after);
}

/** Returns the name of a package without its architecture and version, with a manager that is not the system's own. */
function packageName(item: string): string {
  const [, name = item, manager = ''] = /^(\S+)(?: .*?)?( \((?:dpkg|rpm|apk|pacman)\))?$/.exec(item) ?? [];
  return name + manager;
}

function systemName(kind: string, item: string): string {
  return kind === 'system' && item === 'cmdline' ? 'command line of the kernel' : item;
}

/** Describes what is new about a new item: the groups of an account, the source of a mount, an inner port. */
function newWords(kind: string, parts: readonly string[]): string {
  const telling = {
    account: parts.filter((part) => part === 'id 0' || part.startsWith('in ')),
    listener: parts.filter((part) => part === 'on loopback'),
    mount: parts.slice(0, 1),
    system: parts,
  }[kind];
  const words = wordsOf(telling ?? []);
  return words === '' ? '' : ` ${kind === 'mount' ? 'of ' : ''}${words}`;
}

/** Describes a unit, which is an item as long as it is enabled, masked, or has a file of its own. */
function unitWords(name: string, before: string | null, after: string | null): string {
  const partsOf = (value: string | null): readonly string[] => kinds['unit']?.partsOf(value ?? '') ?? [];
  const [came, left] = [missingFrom(partsOf(before), partsOf(after)), missingFrom(partsOf(after), partsOf(before))];
  const hasFile = (value: string | null): boolean => value !== null && dull.test(value);
  if (before === null && hasFile(after)) return `new ${name}${came.length === 0 ? '' : ` ${wordsOf(came)}`}`;
  if (after === null && hasFile(before)) return `${name} gone`;
  const words = [...came, ...left.filter((word) => !(word === 'enabled' && came.includes('masked'))).map(undone)];
  return words.length === 0 ? name : `${name} ${wordsOf(words)}`;
}

function undone(word: string): string {
  return word === 'enabled' ? 'disabled' : `no longer ${word}`;
}

function differenceWords(name: string, before: readonly string[], after: readonly string[]): string {
  const [came, left] = [missingFrom(before, after), missingFrom(after, before)];
  if (came.length === 0 && left.length === 0) return name;
  if (left.length === 0) return `${name} now ${wordsOf(came)}`;
  return came.length === 0 ? `${name} no longer ${wordsOf(left)}` : `${name} ${wordsOf(left)} to ${wordsOf(came)}`;
}

/** Returns the parts that others lack. */
function missingFrom(others: readonly string[], parts: readonly string[]): readonly string[] {
  return parts.filter((part) => !others.includes(part));
}

function partsBetween(text: string, separator: string): readonly string[] {
  return text.split(separator).filter((part) => part !== '');
}

function wordsOf(parts: readonly string[]): string {
  return shortened(parts.join(' and '), maxName);
}
