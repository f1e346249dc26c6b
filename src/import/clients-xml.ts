import { groupBy } from '../platform/group-by.ts';
import { escapeMarkup } from '../text/escape-markup.ts';
import { oneLine } from '../text/plain-text.ts';
import type { ImportedHost } from './imported.ts';

/** The attributes that a group may have for all its clients, in the order in which they are written. */
const shared = ['port', 'username', 'privateKey', 'proxyJump'] as const;

type Shared = Readonly<Record<(typeof shared)[number], string | null>>;

const nothingShared: Shared = { port: null, username: null, privateKey: null, proxyJump: null };

/**
 * Renders hosts as children of `<config>`: clients in their groups. Attributes that all clients of a group share are
 * written at the group.
 */
export function clientsXml(hosts: readonly ImportedHost[], indent = ''): string {
  return linesOf(hosts, 0, nothingShared)
    .map((line) => `${indent}${line}\n`)
    .join('');
}

function linesOf(hosts: readonly ImportedHost[], depth: number, outer: Shared): readonly string[] {
  const inner = groupBy(
    hosts.filter(({ groups }) => groups.length > depth),
    ({ groups }) => groups[depth] ?? '',
  );
  return [
    ...hosts.filter(({ groups }) => groups.length === depth).flatMap((host) => clientLines(host, outer)),
    ...[...inner].flatMap(([name, members]) => groupLines(name, members, depth + 1, outer)),
  ];
}

function groupLines(name: string, members: readonly ImportedHost[], depth: number, outer: Shared): readonly string[] {
  const [first = nothingShared] = members;
  const common = Object.fromEntries(
    shared.map((key) => [
      key,
      members.length > 1 && members.every((host) => host[key] === first[key]) ? first[key] : outer[key],
    ]),
  ) as Shared;
  const own = shared.map((key) => [key, common[key] === outer[key] ? null : common[key]] as const);
  return [
    `<group${attributes([['name', name], ...own])}>`,
    ...linesOf(members, depth, common).map((line) => `  ${line}`),
    '</group>',
  ];
}

function clientLines(host: ImportedHost, outer: Shared): readonly string[] {
  const { name, ip, url, checks, remarks } = host;
  const polled = [
    ['transport', url === null ? null : 'http'],
    ['url', url],
  ] as const;
  const own = shared.map((key) => [key, host[key] === outer[key] ? null : host[key]] as const);
  const start = `<client${attributes([['name', name], ['ip', ip], ...own, ...polled])}`;
  const inside = [
    ...remarks.map((remark) => `  <!-- ${commentText(remark)} -->`),
    ...checks.map((check) => `  <check${attributes(Object.entries(check))}/>`),
  ];
  return inside.length === 0 ? [`${start}/>`] : [`${start}>`, ...inside, '</client>'];
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
