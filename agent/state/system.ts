/** The parts of the state that the kernel and a few files of accounts tell. */
import { imageTypes } from '../../src/report/report.ts';
import { rootGroups } from '../../src/report/state/state.ts';
import { isNetwork, nothingInside, withoutDevice } from '../probes/reported-mounts.ts';
import { unescaped } from '../probes/mountinfo.ts';
import { osRelease } from './packages.ts';
import { stateLine, withoutPassword, type StateSource } from './state-source.ts';

const maxAccountBytes = 1024 * 1024;
const noLogin = /\/(nologin|false|sync|halt|shutdown|true|git-shell)$/;
/** Empty lines, comments, and the lines by which nsswitch's `compat` adds and excludes accounts of NIS. */
const isNoAccount = /^(?:$|[#+-])/;
/** The members of `adm` read all logs. */
const powerful = new Set([...rootGroups, 'adm']);

/**
 * Returns the accounts with a login shell, and the members of powerful groups. Their comments stay out. Throws an Error
 * if a file of accounts cannot be read.
 */
export function accountLines(source: Pick<StateSource, 'readStart'>): readonly string[] {
  const rows = (path: string): readonly (readonly string[])[] =>
    source
      .readStart(path, maxAccountBytes)
      .split('\n')
      .map((line) => line.split(':'));
  // The powerful groups by the number of a group, and by the name of a member.
  const [ofNumber, ofMember] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  for (const [group = '', , id = '', members = ''] of rows('/etc/group')) {
    if (!powerful.has(group)) continue;
    addTo(ofNumber, id, group);
    for (const member of members.split(',')) addTo(ofMember, member, group);
  }
  const names = new Set<string>();
  return rows('/etc/passwd').flatMap(([name = '', , uid = '', gid = '', , home = '', shell]) => {
    if (shell === undefined || isNoAccount.test(name) || names.has(name)) return [];
    const member = [...new Set([...(ofNumber.get(gid) ?? []), ...(ofMember.get(name) ?? [])])].sort();
    if (noLogin.test(shell) && member.length === 0) return [];
    names.add(name);
    // An empty shell means /bin/sh.
    return stateLine(name, [uid, home, shell === '' ? '/bin/sh' : shell, member.join(',')].join(' ').trimEnd());
  });
}

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([value]));
  else known.add(value);
}

/** The files of sockets, with the state of one that waits for others. */
const sockets = [
  ['tcp', '/proc/net/tcp', '0A'],
  ['tcp', '/proc/net/tcp6', '0A'],
  ['udp', '/proc/net/udp', '07'],
  ['udp', '/proc/net/udp6', '07'],
] as const;
export const socketFiles = [...sockets.map(([, file]) => file), '/proc/sys/net/ipv4/ip_local_port_range'];
export const udpFiles = sockets.flatMap(([protocol, file]) => (protocol === 'udp' ? [file] : []));
/** Programs that send datagrams from a port of their own choice, such as resolvers, take one from here on. */
const firstChosenPort = 1024;

/**
 * Returns the ports on which programs listen, outside the range that the kernel gives out. A UDP port that a program
 * may have chosen for one question has to be open when the look begins, too. Throws an Error if the sockets are
 * unknown.
 */
export function listenerLines(source: StateSource): readonly string[] {
  const [low = 32768, high = 60999] = (source.readOptional('/proc/sys/net/ipv4/ip_local_port_range') ?? '')
    .split(/\s+/)
    .filter((text) => text !== '')
    .map(Number);
  source.read('/proc/net/tcp');
  const found = new Map<string, 'any' | 'loopback'>();
  const tables = sockets.map(([protocol, file, listening]) => {
    return { protocol, listening, text: source.readOptional(file) ?? '' };
  });
  const before = source.udpBefore === null ? null : new Set(portsOf(source.udpBefore).map(({ port }) => port));
  const isPassing = (port: number): boolean => port >= firstChosenPort && before?.has(port) === false;
  const loopback = loopbackOf(tables.map(({ text }) => text).join('\n'));
  for (const { protocol, listening, text } of tables) {
    for (const { address, port, state } of portsOf(text)) {
      if (state !== listening || !(port > 0) || (port >= low && port <= high)) continue;
      if (protocol === 'udp' && isPassing(port)) continue;
      const item = `${protocol} ${port}`;
      if (!loopback.test(address)) found.set(item, 'any');
      else if (!found.has(item)) found.set(item, 'loopback');
    }
  }
  return [...found].flatMap(([item, value]) => stateLine(item, value));
}

/** Returns what the lines of tables of sockets say; of their heads, nonsense without a port. */
function portsOf(tables: string): readonly { address: string; port: number; state: string }[] {
  return tables.split('\n').map((line) => {
    const [, local = '', , state = ''] = line.trim().split(/\s+/);
    const [address = '', hex = ''] = local.split(':');
    return { address, port: parseInt(hex, 16), state };
  });
}

/** Addresses of loopback in /proc/net, whose words are in the byte order of the machine. */
const littleEndian = /^[0-9A-F]{6}7F$|^0{24}01000000$|^0{16}FFFF0000[0-9A-F]{6}7F$/i;
const bigEndian = /^7F[0-9A-F]{6}$|^0{31}1$|^0{20}FFFF7F[0-9A-F]{6}$/i;

/**
 * Returns the pattern of loopback addresses in these tables. Only tables with an address such as 127.0.0.1 or ::1 in
 * big-endian order, and none in little-endian order, are of a big-endian machine.
 */
function loopbackOf(tables: string): RegExp {
  const isBig = / (?:0{20}FFFF)?7F0000[0-9A-F]{2}:| 0{31}1:/i.test(tables);
  const isLittle = / (?:0{16}FFFF0000)?[0-9A-F]{2}00007F:| 0{24}01000000:/i.test(tables);
  return isBig && !isLittle ? bigEndian : littleEndian;
}

/** Mounts that programs of containers make. */
const ofContainers = /^\/(run|var\/lib\/(docker|containers|kubelet|lxd|lxcfs|containerd)|snap|proc|sys|dev)(\/|$)/;

/** Returns the mounts with storage: type, device and options. Throws an Error if the mounts are unknown. */
export function mountLines(source: StateSource): readonly string[] {
  const found = new Map<string, string>();
  for (const line of source.read('/proc/self/mountinfo').split('\n')) {
    const fields = line.split(' ');
    const at = fields.indexOf('-', 6);
    const [, , device = '', , escaped = '', options = ''] = fields;
    const [type, from = ''] = at === -1 ? [] : fields.slice(at + 1);
    if (type === undefined || type === 'autofs' || nothingInside.has(type) || imageTypes.has(type)) continue;
    const mount = unescaped(escaped);
    if (device.startsWith('0:') && !isNetwork(type) && !withoutDevice.has(type)) continue;
    if (ofContainers.test(mount)) continue;
    const shown = options.split(',').filter((option) => !/pass|cred/i.test(option));
    found.set(mount, `${type} ${withoutPassword(unescaped(from))} ${shown.join(',')}`);
  }
  return [...found].flatMap(([mount, value]) => stateLine(mount, value));
}

/**
 * Returns kernel, boot, system and the digest of the kernel's command line. Throws an Error if the kernel is unknown:
 * then no file of it was read.
 */
export function systemLines(source: StateSource): readonly string[] {
  const [, os] = /^PRETTY_NAME=["']?(.*?)["']?$/m.exec(osRelease(source)) ?? [];
  const facts = {
    boot: source.readOptional('/proc/sys/kernel/random/boot_id')?.trim(),
    cmdline: source.digest('/proc/cmdline', 'sha256')?.slice(0, 32),
    kernel: source.read('/proc/sys/kernel/osrelease').trim(),
    os,
  };
  return Object.entries(facts).flatMap(([item, value]) =>
    value === undefined || value === '' ? [] : stateLine(item, value),
  );
}
