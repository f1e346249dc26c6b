import type { SectionWords } from '../compose/mail-words.ts';
import type { Client } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { AlertSpan, InventoryChange, InventoryFacts } from '../../storage/store/digest-store.ts';
import { compareText } from '../../text/compare-text.ts';
import { counted, describeSize } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { digestSection, firstLines, nameList, type DigestWording } from './digest-section.ts';
import type { DigestFacts } from './read-digest.ts';

/** Columns of a value of an inventory, of which there are two in a line. */
const valueColumns = 18;
const partColumns = 34;

/** A change in words, and the clients that have it. */
interface Change {
  readonly what: string;
  readonly clients: readonly string[];
}

/** The changes of the span: reboots, systems and machines, clients, the configuration, host keys. */
export function changesSection(facts: DigestFacts, { most }: DigestWording): SectionWords | null {
  const reboots = endedOf(facts, 'rebooted').map(({ client }) => client);
  const keys = endedOf(facts, 'host-key-changed').map(({ client }) => client);
  const configs = facts.runs.find(({ program }) => program === 'collect')?.configs ?? 0;
  const changes = [
    ...changeOf(reboots.length === new Set(reboots).size ? 'booted' : `booted ${reboots.length} times`, reboots),
    ...inventoryChanges(facts.inventories),
    ...changeOf('new client', facts.joined),
    ...changeOf('left config.xml', facts.left),
    ...changeOf('host key changed', keys),
    ...(configs > 1 ? [{ what: `config.xml: ${configs} versions were in use`, clients: [] }] : []),
  ];
  if (changes.length === 0) return null;
  const lineOf = ({ what, clients }: Change): string => {
    const count = clients.length === 1 ? '' : ` (${clients.length})`;
    return clients.length === 0 ? what : `${what}${count}: ${nameList(clients)}`;
  };
  const title = `${counted(changes.length, 'kind')} of change`;
  return digestSection({ heading: 'What changed', blocks: [{ title, lines: firstLines(changes, 2 * most, lineOf) }] });
}

function changeOf(what: string, clients: readonly string[]): readonly Change[] {
  return clients.length === 0 ? [] : [{ what, clients: [...new Set(clients)] }];
}

/** Returns the alerts of a rule that fired within the span. */
function endedOf({ spans, sinceMs, untilMs }: DigestFacts, rule: string): readonly AlertSpan[] {
  return spans.filter((span) => span.rule === rule && span.firingSinceMs >= sinceMs && span.firingSinceMs < untilMs);
}

/** Returns the differences of inventories, the one that most clients have first. */
function inventoryChanges(inventories: readonly InventoryChange[]): readonly Change[] {
  const all = inventories.flatMap(({ client, before, after }) =>
    differences(before, after).map((what) => ({ what, client })),
  );
  return [...groupBy(all, ({ what }) => what)]
    .map(([what, own]) => ({ what, clients: own.map(({ client }) => client) }))
    .sort((one, other) => other.clients.length - one.clients.length || compareText(one.what, other.what));
}

function differences(before: InventoryFacts, after: InventoryFacts): readonly string[] {
  const of = (what: string, was: string | null, is: string | null): readonly string[] =>
    was === null || is === null || was === is ? [] : [`${what} ${value(was)} to ${value(is)}`];
  return [
    ...of('system', before.os, after.os),
    ...of('kernel', before.kernel, after.kernel),
    ...of('CPU', cpuOf(before), cpuOf(after)),
    ...of('memory', sizeOf(before.memoryBytes), sizeOf(after.memoryBytes)),
    ...parts('disk', before.disks, after.disks),
    ...parts('network card', before.cards, after.cards),
  ];
}

function parts(what: string, before: readonly string[] | null, after: readonly string[] | null): readonly string[] {
  if (before === null || after === null) return [];
  const missing = (of: readonly string[], from: readonly string[]): readonly string[] =>
    of.filter((part) => !from.includes(part)).map((part) => cut(quoted(part), partColumns));
  return [
    ...missing(after, before).map((part) => `${what} came: ${part}`),
    ...missing(before, after).map((part) => `${what} went: ${part}`),
  ];
}

function cpuOf({ cpuModel, cpus }: InventoryFacts): string | null {
  return cpus === null ? cpuModel : `${cpus} x ${cpuModel ?? 'CPU'}`;
}

/** Kernels reserve more or less of the memory: a difference below a hundredth is none. */
function sizeOf(bytes: number | null): string | null {
  return bytes === null ? null : describeSize(bytes, -1);
}

function value(text: string): string {
  return cut(quoted(text), valueColumns);
}

/** Updates and reboots that wait for somebody, by group. */
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
    const reboots = own.filter(({ rebootRequired }) => rebootRequired).length;
    return [
      updates.length === 0
        ? ''
        : `${counted(sumOf(updates, 'updates'), 'update')} on ${updates.length}${security === 0 ? '' : ` (${security} for security)`}`,
      reboots === 0 ? '' : `${reboots} to be rebooted`,
    ]
      .filter((part) => part !== '')
      .join(', ');
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

/** The innermost named group; '' without one. */
function groupOf({ groups }: Client): string {
  return groups.at(-1) ?? '';
}
