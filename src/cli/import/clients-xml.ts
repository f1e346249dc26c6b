import { groupBy } from '../../platform/group-by.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';
import { oneLine } from '../../text/plain-text.ts';
import type { ImportedCheck, ImportedHost } from './imported.ts';

/** The attributes that a group may have for all its clients, in the order in which they are written. */
const shared = ['port', 'username', 'privateKey', 'proxyJump'] as const;

type Shared = Readonly<Record<(typeof shared)[number], string | null>>;

const nothingShared: Shared = { port: null, username: null, privateKey: null, proxyJump: null };

/** A line of the written clients. */
export interface WrittenLine {
  readonly text: string;
  /** The machines that the line concerns. */
  readonly names: readonly string[];
  /** The check that the line has; null for other lines. */
  readonly check: ImportedCheck | null;
}

/**
 * Renders hosts as children of `<config>`: bastions, then clients in their groups. Attributes that all clients of a
 * group share are written at the group.
 */
export function clientsXml(hosts: readonly ImportedHost[], indent = ''): string {
  return writtenLines(hosts)
    .map(({ text }) => `${indent}${text}\n`)
    .join('');
}

/** Returns the lines of `clientsXml` with the machines that each line concerns. */
export function writtenLines(hosts: readonly ImportedHost[]): readonly WrittenLine[] {
  return [...bastionLines(hosts), ...linesOf(hosts, 0, nothingShared)];
}

function bastionLines(hosts: readonly ImportedHost[]): readonly WrittenLine[] {
  const bastions = groupBy(
    hosts.filter(({ bastion }) => bastion !== null),
    ({ bastion }) => bastion?.name ?? '',
  );
  return [...bastions.values()].flatMap((users) => {
    const { name = '', ip = '', port, username, privateKey, proxyJump } = users[0]?.bastion ?? {};
    const own = Object.entries({ port, username, privateKey, proxyJump }).map(
      ([what, value]) => [what, value ?? null] as const,
    );
    const text = `<bastion${attributes([['name', name], ['ip', ip], ...own])}/>`;
    return [{ text, names: users.map((user) => user.name), check: null }];
  });
}

function linesOf(hosts: readonly ImportedHost[], depth: number, outer: Shared): readonly WrittenLine[] {
  const inner = groupBy(
    hosts.filter(({ groups }) => groups.length > depth),
    ({ groups }) => groups[depth] ?? '',
  );
  return [
    ...hosts.filter(({ groups }) => groups.length === depth).flatMap((host) => clientLines(host, outer)),
    ...[...inner].flatMap(([name, members]) => groupLines(name, members, depth + 1, outer)),
  ];
}

function groupLines(
  name: string,
  members: readonly ImportedHost[],
  depth: number,
  outer: Shared,
): readonly WrittenLine[] {
  const [first = nothingShared] = members;
  const common = Object.fromEntries(
    shared.map((key) => [
      key,
      members.length > 1 && members.every((host) => host[key] === first[key]) ? first[key] : outer[key],
    ]),
  ) as Shared;
  const own = shared.map((key) => [key, common[key] === outer[key] ? null : common[key]] as const);
  const line = (text: string): WrittenLine => ({ text, names: members.map((member) => member.name), check: null });
  return [
    line(`<group${attributes([['name', name], ...own])}>`),
    ...linesOf(members, depth, common).map((inside) => ({ ...inside, text: `  ${inside.text}` })),
    line('</group>'),
  ];
}

function clientLines(host: ImportedHost, outer: Shared): readonly WrittenLine[] {
  const { name, ip, on, url, labels, checks, remarks } = host;
  const polled = [
    ['transport', url === null ? null : 'http'],
    ['url', url],
  ] as const;
  const own = shared.map((key) => [key, host[key] === outer[key] ? null : host[key]] as const);
  const start = `<client${attributes([['name', name], ['ip', ip], ...own, ['on', on], ...polled, ['labels', labels]])}`;
  const names = [name];
  const line = (text: string, check: ImportedCheck | null = null): WrittenLine => ({ text, names, check });
  const inside = [
    ...remarks.map((remark) => line(`  <!-- ${commentText(remark)} -->`)),
    ...checks.map((check) => line(`  <check${attributes(Object.entries(check))}/>`, check)),
  ];
  return inside.length === 0 ? [line(`${start}/>`)] : [line(`${start}>`), ...inside, line('</client>')];
}

function attributes(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  return pairs.map(([name, value]) => (value === null ? '' : ` ${name}="${escapeMarkup(value)}"`)).join('');
}

/** Escapes the text of a comment, which two hyphens would end. */
function commentText(text: string): string {
  return oneLine(text)
    .replace(/-(?=-)/g, '- ')
    .replace(/-$/, '- ');
}
