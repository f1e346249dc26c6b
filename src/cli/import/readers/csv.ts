import { isIP } from 'node:net';

import { CsvError, parse } from 'csv-parse/sync';

import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { unreadable } from '../unreadable.ts';

/** The columns that are read, by their names in small letters without blanks, hyphens and underlines. */
const columns: Readonly<Record<string, 'name' | 'group' | 'ip' | 'port' | 'username' | 'privateKey' | 'proxyJump'>> = {
  ...{ name: 'name', host: 'name', hostname: 'name', group: 'group', groups: 'group' },
  ...{ ip: 'ip', address: 'ip', ipaddress: 'ip', port: 'port', sshport: 'port' },
  ...{ username: 'username', user: 'username', privatekey: 'privateKey', key: 'privateKey' },
  ...{ identityfile: 'privateKey', proxyjump: 'proxyJump', jump: 'proxyJump', bastion: 'proxyJump' },
};

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Reads a table with a line of titles: `name` or `ip` is needed; `group` nests by `/`. Commas, semicolons or tabs stand
 * between the fields (RFC 4180).
 */
export function readCsv(source: SourceText): Imported {
  const [titles, ...rows] = rowsOf(source);
  const wrong = (why: string): Error =>
    unreadable(source, why, 'Begin with a line of titles: name,ip,port,username,privateKey,proxyJump,group.');
  if (titles === undefined) throw wrong('there is no line in it');
  const places = titles.record.map((title) => columns[title.toLowerCase().replaceAll(/[\s_-]/g, '')] ?? null);
  if (!places.includes('name') && !places.includes('ip')) throw wrong('the first line names no column `name` or `ip`');
  // The titles are not quoted: the file may be another than its owner believes.
  const unknown = places.flatMap((place, index) =>
    place === null || places.indexOf(place) !== index ? [String(index + 1)] : [],
  );
  const skipped: Skipped[] = [];
  if (unknown.length > 0) skipped.push({ where: 'line 1', why: `columns that are not read: ${unknown.join(', ')}` });
  const hosts = rows.flatMap(({ record, info }): readonly ImportedHost[] => {
    const where = `line ${info.lines}`;
    const value = (place: string): string | null => record[places.indexOf(place as never)]?.trim() || null;
    const address = value('ip') === null ? null : hostAddress(value('ip') ?? '');
    const further = record.slice(places.length).some((field) => field.trim() !== '');
    if (further) skipped.push({ where, why: 'fields after the last title are not read' });
    const name = value('name') ?? address;
    if (name === null) {
      skipped.push({ where, why: 'neither a name nor an address' });
      return [];
    }
    return [
      {
        ...hostNamed(name, where),
        ip: address === name ? null : address,
        port: value('port'),
        username: value('username'),
        privateKey: value('privateKey'),
        proxyJump: value('proxyJump'),
        groups: (value('group') ?? '').split('/').flatMap((group) => group.trim() || []),
      },
    ];
  });
  return { hosts, skipped };
}

/**
 * Returns the address of an interface without its prefix length: 192.0.2.1 for `192.0.2.1/24`. The address of a
 * network, `192.0.2.0/24`, stays as it is, and names no machine.
 */
function hostAddress(text: string): string {
  const [, address = '', length = ''] = /^([\da-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bits = isIP(address) === 4 ? 32 : 128;
  if (isIP(address) === 0 || Number(length) > bits) return text;
  if (bits === 128 || Number(length) >= 31) return address;
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return value % 2 ** (32 - Number(length)) === 0 ? text : address;
}

/** The first line by which spreadsheets name the delimiter: `sep=;`. */
const delimiterLine = /^\ufeff?sep=(.)\r?\n/i;

function rowsOf(source: SourceText): readonly Row[] {
  const [head = '', written = null] = delimiterLine.exec(source.text) ?? [];
  const text = source.text.slice(head.length);
  const firstLine = text.slice(0, text.indexOf('\n') + 1 || undefined);
  const delimiter = written ?? [',', ';', '\t'].find((one) => firstLine.includes(one)) ?? ',';
  try {
    const rows = parse(text, {
      ...{ delimiter, bom: true, info: true, skip_empty_lines: true, relax_column_count: true },
      ...{ comment: '#', comment_no_infix: true, max_record_size: 64 * 1024 },
    }) as unknown as readonly Row[];
    return head === '' ? rows : rows.map(({ record, info }) => ({ record, info: { lines: info.lines + 1 } }));
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    throw unreadable(
      source,
      `it is no table: line ${Number(thrown['lines'] ?? 1)} cannot be read`,
      'Quote fields that hold quotes or line breaks.',
    );
  }
}
