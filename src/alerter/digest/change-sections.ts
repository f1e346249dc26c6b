import type { SectionWords } from '../compose/mail-words.ts';
import type { Client } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { AlertSpan, InventoryFacts, StoredChange } from '../../storage/store/digest-store.ts';
import { foldChanges } from '../../text/change-words.ts';
import { compareText } from '../../text/compare-text.ts';
import { byName } from '../../text/name-order.ts';
import { commaGrouped, countedMany, describeSize, joined } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { namedWords } from '../cause/cause-words.ts';
import { givesPower } from '../cause/weigh-changes.ts';
import { digestSection, firstLines, nameList, type DigestWording } from './digest-section.ts';
import type { DigestFacts } from './read-digest.ts';

/** The most columns of an inventory's value. A line has two values. */
const valueColumns = 18;
const partColumns = 34;
/** The least number of changes that are listed even where lists are short: in most weeks one of each kind. */
const minChanges = 10;

/** A change in words, and the clients that have it. */
interface Change {
  readonly what: string;
  readonly clients: readonly string[];
}

/**
 * Returns the changes of the span: reboots, systems, machines, clients, the configuration, host keys, and the states of
 * clients. Returns null if there are none.
 */
export function changesSection(facts: DigestFacts, { most }: DigestWording): SectionWords | null {
  const reboots = bootsOf(facts);
  const keys = firedOf(facts, 'host-key-changed').map(({ client }) => client);
  const configs = facts.runs.find(({ program }) => program === 'collect')?.configs ?? 0;
  const changes = [
    ...changeOf(
      reboots.length === new Set(reboots).size ? 'booted' : `booted ${commaGrouped(reboots.length)} times`,
      reboots,
    ),
    ...changeOf('host key changed', keys),
    ...(configs > 1 ? [{ what: `config.xml: ${commaGrouped(configs)} versions were in use`, clients: [] }] : []),
    ...changeOf('new client', facts.joined),
    ...changeOf('left config.xml', facts.left),
    ...mostFrequentFirst([...inventoryChanges(facts), ...stateChanges(facts.changes)]),
  ];
  if (changes.length === 0) return null;
  const lineOf = ({ what, clients }: Change): string => {
    const count = clients.length === 1 ? '' : ` (${commaGrouped(clients.length)})`;
    return clients.length === 0 ? what : `${what}${count}: ${nameList(clients)}`;
  };
  const title = `${facts.moreChanges ? 'More than ' : ''}${countedMany(changes.length, 'kind')} of change`;
  const lines = firstLines(changes, Math.max(minChanges, 2 * most), lineOf);
  return digestSection({ heading: 'What changed', blocks: [{ title, lines }] });
}

function changeOf(what: string, clients: readonly string[]): readonly Change[] {
  return clients.length === 0 ? [] : [{ what, clients: [...new Set(clients)] }];
}

/** Returns the client of each alert of a boot, and the clients without such an alert whose state has a boot. */
function bootsOf(facts: DigestFacts): readonly string[] {
  const alerted = firedOf(facts, 'rebooted').map(({ client }) => client);
  const known = new Set(alerted);
  const seen = new Set(facts.changes.filter(isBoot).map(({ client }) => client));
  return [...alerted, ...[...seen].filter((client) => !known.has(client))];
}

function isBoot({ kind, item }: StoredChange): boolean {
  return kind === 'system' && item === 'boot';
}

/** Returns the alerts of a rule that fired within the span. */
function firedOf({ spans, sinceMs, untilMs }: DigestFacts, rule: string): readonly AlertSpan[] {
  return spans.filter((span) => span.rule === rule && span.firingSinceMs >= sinceMs && span.firingSinceMs < untilMs);
}

interface KindOfChange extends Change {
  /** The kind of change, such as `kernel`, `disk came` or `package`. */
  readonly kind: string;
}

/**
 * Puts changes with the same words together, and sorts them: first the most frequent one of each kind, then the others
 * by the number of clients.
 */
function mostFrequentFirst(changes: readonly KindOfChange[]): readonly Change[] {
  const same = [...groupBy(changes, ({ what }) => what).entries()].map(([what, own]) => ({
    ...{ what, kind: own[0]?.kind, clients: own.flatMap(({ clients }) => clients).sort(byName) },
  }));
  const sorted = same.sort(
    (one, other) => other.clients.length - one.clients.length || compareText(one.what, other.what),
  );
  const firsts = new Set([...groupBy(sorted, ({ kind }) => kind).values()].map(([first]) => first));
  return [...sorted.filter((one) => firsts.has(one)), ...sorted.filter((one) => !firsts.has(one))];
}

/** Returns the differences of inventories. Leaves out systems and kernels of clients whose state has this change. */
function inventoryChanges({ inventories, changes }: DigestFacts): readonly KindOfChange[] {
  const upgraded = new Set(
    changes.filter((change) => change.kind === 'system' && !isBoot(change)).map(({ client }) => client),
  );
  const all = inventories.flatMap(({ client, before, after }) =>
    differences(before, after)
      .filter(({ kind }) => !upgraded.has(client) || (kind !== 'system' && kind !== 'kernel'))
      .map((difference) => ({ ...difference, client })),
  );
  return [...groupBy(all, ({ kind, words }) => `${kind}${words}`)].map(([what, own]) => ({
    ...{ what, kind: own[0]?.kind ?? '', clients: own.map(({ client }) => client) },
  }));
}

/**
 * Returns the changes of states but for boots. Changes of one kind of the same clients are one, such as the packages of
 * an upgrade. The first is named: who may become root comes before all others.
 */
function stateChanges(changes: readonly StoredChange[]): readonly KindOfChange[] {
  const folded = foldChanges(changes.filter((change) => !isBoot(change))).flatMap((own) => {
    const [first] = own;
    const clients = [...new Set(own.map(({ client }) => client))].sort(byName);
    return first === undefined ? [] : [{ ...first, clients, members: JSON.stringify([first.kind, clients]) }];
  });
  return [...groupBy(folded, ({ members }) => members).values()].flatMap((own) => {
    const [first, ...others] = [...own.filter(givesPower), ...own.filter((change) => !givesPower(change))];
    if (first === undefined) return [];
    const { kind, item, oldValue: before, newValue: after, clients } = first;
    return [{ what: namedWords({ kind, item, before, after, more: others.length, moreKind: kind }), kind, clients }];
  });
}

interface Difference {
  /** The kind of difference, such as `kernel` or `disk came`. */
  readonly kind: string;
  readonly words: string;
}

function differences(before: InventoryFacts, after: InventoryFacts): readonly Difference[] {
  const of = (kind: string, was: string | null, is: string | null): readonly Difference[] =>
    was === null || is === null || was === is ? [] : [{ kind, words: ` ${value(was)} to ${value(is)}` }];
  return [
    ...of('system', before.os, after.os),
    ...of('kernel', before.kernel, after.kernel),
    ...of('CPU', cpuOf(before), cpuOf(after)),
    ...of('memory', sizeOf(before.memoryBytes), sizeOf(after.memoryBytes)),
    ...parts('disk', before.disks, after.disks),
    ...parts('network card', before.cards, after.cards),
  ];
}

function parts(what: string, before: readonly string[] | null, after: readonly string[] | null): readonly Difference[] {
  if (before === null || after === null) return [];
  const missing = (of: readonly string[], from: readonly string[]): readonly string[] =>
    of.filter((part) => !from.includes(part)).map((part) => cut(quoted(part), partColumns));
  return [
    ...missing(after, before).map((part) => ({ kind: `${what} came`, words: `: ${part}` })),
    ...missing(before, after).map((part) => ({ kind: `${what} went`, words: `: ${part}` })),
  ];
}

function cpuOf({ cpuModel, cpus }: InventoryFacts): string | null {
  return cpus === null ? cpuModel : `${cpus} x ${cpuModel ?? 'CPU'}`;
}

/** Returns a size in words. Kernels reserve parts of the memory: a difference below a hundredth does not show. */
function sizeOf(bytes: number | null): string | null {
  return bytes === null ? null : describeSize(bytes, -1);
}

function value(text: string): string {
  return cut(quoted(text), valueColumns);
}

/** Returns the section of updates and reboots that are pending, by group. Returns null if there are none. */
export function pendingSection({ pending, clients }: DigestFacts, { most }: DigestWording): SectionWords | null {
  if (pending.length === 0) return null;
  const groups = new Map(clients.map((client) => [client.name, groupOf(client)]));
  const byGroup = [...groupBy(pending, ({ client }) => groups.get(client) ?? '')]
    .map(([group, own]) => ({ group, own, names: own.map(({ client }) => client) }))
    .sort((one, other) => other.own.length - one.own.length || compareText(one.group, other.group));
  const sumOf = (own: typeof pending, field: 'updates' | 'securityUpdates'): number =>
    own.reduce((sum, one) => sum + (one[field] ?? 0), 0);
  const wordsOf = (own: typeof pending): string => {
    const updates = own.filter((one) => (one.updates ?? 0) > 0);
    const security = sumOf(updates, 'securityUpdates');
    const securityWords = security === 0 ? '' : ` (${commaGrouped(security)} for security)`;
    const reboots = own.filter(({ rebootRequired }) => rebootRequired).length;
    return joined([
      updates.length === 0
        ? ''
        : `${countedMany(sumOf(updates, 'updates'), 'update')} on ${commaGrouped(updates.length)}${securityWords}`,
      reboots === 0 ? '' : `${commaGrouped(reboots)} to be rebooted`,
    ]);
  };
  return digestSection({
    heading: 'Updates and reboots that wait',
    count: pending.length,
    blocks: [
      {
        title: wordsOf(pending),
        lines: firstLines(byGroup, most, ({ group, own, names }) => {
          const whose = group === '' ? nameList(names) : cut(quoted(group), valueColumns);
          return `${whose}: ${wordsOf(own)}`;
        }),
      },
    ],
  });
}

/** Returns the innermost named group; '' if there is none. */
function groupOf({ groups }: Client): string {
  return groups.at(-1) ?? '';
}
