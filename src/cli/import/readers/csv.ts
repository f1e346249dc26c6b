import { isIP } from 'node:net';

import { CsvError, parse } from 'csv-parse/sync';

import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { unreadable } from '../unreadable.ts';

type Place = 'name' | 'group' | 'ip' | 'port' | 'username' | 'privateKey' | 'proxyJump';

/** The titles of the columns that are read, as `plainTitle` has them. */
const titlesOf: Readonly<Record<Place, readonly string[]>> = {
  name: ['name', 'host', 'hostname'],
  group: ['group', 'groups'],
  ip: ['ip', 'address', 'ipaddress'],
  port: ['port', 'sshport'],
  username: ['username', 'user'],
  privateKey: ['privatekey', 'key', 'identityfile'],
  proxyJump: ['proxyjump', 'jump', 'bastion'],
};

/** Titles of other programs, and of other languages, that count where no column has one of the titles above. */
const furtherTitlesOf: Readonly<Partial<Record<Place, readonly string[]>>> = {
  name: [
    ...[
      'fqdn',
      'dnsname',
      'dnshostname',
      'server',
      'servername',
      'device',
      'devicename',
      'machine',
      'machinename',
      'node',
    ],
    ...['nodename', 'vm', 'vmname', 'computer', 'computername', 'sysname', 'systemname', 'certname'],
    ...['rechner', 'rechnername', 'gerat', 'geratename', 'nom', 'nomdhote', 'hote', 'nombre', 'nome', 'naam'],
  ],
  group: ['hostgroup', 'gruppe', 'groupe', 'grupo', 'gruppo', 'groep'],
  ip: [
    ...['primaryip', 'primaryip4', 'primaryipv4', 'primaryipaddress', 'ipv4', 'ip4', 'ipv4address', 'ipaddr'],
    ...['hostaddress', 'hostip', 'deviceip', 'deviceipaddress', 'managementip', 'mgmtip', 'ansiblehost'],
    ...['ipadresse', 'ipv4adresse', 'adresse', 'adresseip', 'direccionip', 'indirizzoip', 'enderecoip', 'ipadres'],
    ...['primaryip6', 'primaryipv6', 'ipv6', 'ip6', 'ipv6address'],
  ],
  port: ['ansibleport'],
  username: ['login', 'loginname', 'account', 'sshuser', 'remoteuser', 'ansibleuser', 'benutzer', 'benutzername'],
  privateKey: ['keyfile', 'sshkey', 'ansiblesshprivatekeyfile'],
};

const placeNames = Object.keys(titlesOf) as readonly Place[];

/** Returns a title in small letters, without accents, blanks and signs: `IP-Adresse` is `ipadresse`. */
function plainTitle(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** Returns what each column is read as; null for one that is not read, such as a second one of a kind. */
function placesOf(titles: readonly string[]): readonly (Place | null)[] {
  const plain = titles.map(plainTitle);
  const firstOf = (known: readonly string[] = []): number => plain.findIndex((title) => known.includes(title));
  const columns = placeNames.map((place) => {
    const usual = firstOf(titlesOf[place]);
    return [usual === -1 ? firstOf(furtherTitlesOf[place]) : usual, place] as const;
  });
  return titles.map((_, index) => columns.find(([column]) => column === index)?.[1] ?? null);
}

/** The words of people and programs for a value that there is not. */
const noValue = /^(?:[-–—?.]+|#?n\/a|null|none|nil|nan|unknown|tbd|dhcp(?:v[46])?|dynamic|unassigned|not set)$/i;
/** The ports of other services, which lists of monitored machines have: never one for SSH. */
const otherPorts: ReadonlyMap<string, string> = new Map([
  ['161', 'SNMP'],
  ['623', 'IPMI'],
  ['3389', 'RDP'],
  ['4949', 'Munin'],
  ['5666', 'NRPE'],
  ['5985', 'WinRM'],
  ['5986', 'WinRM'],
  ['6556', 'Checkmk'],
  ['9100', 'node_exporter'],
  ['9182', 'windows_exporter'],
  ['10050', 'Zabbix'],
  ['12489', 'NSClient++'],
]);

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
  const places = placesOf(titles.record);
  if (!places.includes('name') && !places.includes('ip')) throw wrong('the first line names no column `name` or `ip`');
  // The titles are not quoted: the file may be another than its owner believes.
  const unread = places.flatMap((place, index) => {
    const values = rows.map(({ record }) => record[index]?.trim() ?? '').filter((value) => value !== '');
    // Spreadsheets end each line with the delimiters of empty columns.
    return place !== null || (titles.record[index] === '' && values.length === 0) ? [] : [{ index, values }];
  });
  const unknown = unread.map(({ index }) => String(index + 1));
  const skipped: Skipped[] = [];
  if (unknown.length > 0) skipped.push({ where: 'line 1', why: `columns that are not read: ${unknown.join(', ')}` });
  const ofAddresses = unread.find(({ values }) => values.length > 0 && values.every(isAddress));
  if (!places.includes('ip') && ofAddresses !== undefined) {
    const why = `column ${ofAddresses.index + 1} has addresses, under a title that is not known: call it ip`;
    skipped.push({ where: 'line 1', why });
  }
  const hosts = rows.flatMap(({ record, info }): readonly ImportedHost[] => {
    const where = `line ${info.lines}`;
    const value = (place: Place): string | null => {
      const text = record[places.indexOf(place)]?.trim() ?? '';
      return text === '' || (place !== 'name' && noValue.test(text)) ? null : text;
    };
    const ofOther = otherPorts.get(value('port') ?? '');
    if (ofOther !== undefined) {
      skipped.push({ where, why: `port ${value('port') ?? ''} is that of ${ofOther}, not of SSH: it is not taken` });
    }
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
        port: ofOther === undefined ? value('port') : null,
        username: value('username'),
        privateKey: value('privateKey'),
        proxyJump: value('proxyJump'),
        groups: (value('group') ?? '').split('/').flatMap((group) => group.trim() || []),
      },
    ];
  });
  return { hosts, skipped };
}

function isAddress(value: string): boolean {
  return isIP(value.replace(/\/\d{1,3}$/, '')) !== 0;
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
  const delimiter = written ?? delimiterOf(firstLine.replace(/^\ufeff/, ''));
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

const delimiters = [',', ';', '\t', '|'] as const;

/** Returns the sign between the titles of a line: the one that parts the most known titles, or else the first there. */
function delimiterOf(line: string): string {
  const known = (sign: string): number => placesOf(line.split(sign)).filter((place) => place !== null).length;
  const written = delimiters.filter((sign) => line.includes(sign));
  return written.sort((one, other) => known(other) - known(one))[0] ?? ',';
}
