import path from 'node:path';

import { counted, namedUpTo } from '../text/numbers.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from './imported.ts';
import { splitWords } from '../report/check-command.ts';
import { isDeeper } from '../report/values/json-depth.ts';
import { unreadable } from './unreadable.ts';

type Json = Readonly<Record<string, unknown>>;

/** The most levels of JSON, and of groups. */
const mostLevels = 64;

/** Connection plugins that are SSH: https://docs.ansible.com/ansible/latest/collections/index_connection.html */
const sshConnections: readonly unknown[] = [
  ...[undefined, 'ssh', 'smart', 'paramiko', 'paramiko_ssh', 'libssh', 'ansible.builtin.ssh'],
  ...['ansible.builtin.paramiko_ssh', 'ansible.netcommon.libssh'],
];

/**
 * Reads the output of `ansible-inventory --list`. A host stands in the innermost of its groups. If its groups form no
 * tree, it stands in the first of them by name, which is reported.
 */
export function readAnsible(source: SourceText): Imported {
  const inventory = parse(source);
  const hostvars = objectOf(objectOf(inventory['_meta'])['hostvars']);
  const { paths, lost } = groupPaths(source, inventory);
  const skipped: Skipped[] = [];
  const elsewhere = new Map<string, number>();
  const names = new Set([...Object.keys(hostvars), ...[...paths.values()].flatMap(({ hosts }) => hosts)]);
  const hosts = [...names].flatMap((name): readonly ImportedHost[] => {
    const where = `host ${name}`;
    const read = hostOf(name, objectOf(hostvars[name]), source);
    if (typeof read === 'string') {
      skipped.push({ where, why: read });
      return [];
    }
    return [read];
  });
  const groupsOf = chosenGroups(paths, elsewhere);
  for (const [group, children] of lost) {
    const without = `without ${namedUpTo(3, children)} here`;
    const why = `${without}: a group stands in one; labels can say what such groups have in common`;
    skipped.push({ where: `group ${group}`, why });
  }
  for (const [group, count] of elsewhere) {
    skipped.push({
      where: `group ${group}`,
      why: `${counted(count, 'host')} of it are in another group here; a client has one`,
    });
  }
  return { hosts: hosts.map((host) => ({ ...host, groups: groupsOf.get(host.name) ?? [] })), skipped };
}

function parse(source: SourceText): Json {
  const advice = 'Give an inventory that `ansible-inventory --list -i FILE` reads, or its output.';
  if (isDeeper(Buffer.from(source.text), mostLevels)) {
    throw unreadable(source, `its JSON is nested deeper than ${mostLevels} levels`, advice);
  }
  let inventory: unknown;
  try {
    inventory = JSON.parse(source.text);
  } catch {
    throw unreadable(source, 'it is no JSON', advice);
  }
  if (typeof inventory !== 'object' || inventory === null || !('_meta' in inventory)) {
    throw unreadable(source, 'it has no `_meta`, as `ansible-inventory --list` prints it', advice);
  }
  return inventory;
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

interface Group {
  /** The names from the outermost group on, without `all`. */
  readonly path: readonly string[];
  readonly hosts: readonly string[];
}

interface Groups {
  readonly paths: ReadonlyMap<string, Group>;
  /** Child groups that stand in another parent, by the parent that lacks them. */
  readonly lost: ReadonlyMap<string, readonly string[]>;
}

/** Returns the groups below `all` with their paths. The first path of a group with several parents counts. */
function groupPaths(source: SourceText, inventory: Json): Groups {
  const paths = new Map<string, Group>();
  const lost = new Map<string, string[]>();
  const walk = (name: string, path: readonly string[]): void => {
    const known = paths.get(name);
    const parent = path.at(-2);
    if (known !== undefined && parent !== undefined && known.path.length > 1) {
      lost.set(parent, [...(lost.get(parent) ?? []), name]);
    }
    if (known !== undefined || name === '_meta') return;
    if (path.length > mostLevels) {
      const advice = 'Give the inventory groups that a person can look over.';
      throw unreadable(source, `its groups are nested deeper than ${mostLevels} levels`, advice);
    }
    const group = objectOf(inventory[name]);
    paths.set(name, { path, hosts: textsOf(group['hosts']) });
    for (const child of textsOf(group['children'])) walk(child, child === 'ungrouped' ? path : [...path, child]);
  };
  for (const name of ['all', ...Object.keys(inventory)]) walk(name, name === 'all' ? [] : [name]);
  return { paths, lost };
}

/** Returns the path of the chosen group for each host. Counts in `elsewhere` the hosts that other groups lose to it. */
function chosenGroups(
  paths: ReadonlyMap<string, Group>,
  elsewhere: Map<string, number>,
): ReadonlyMap<string, readonly string[]> {
  const chosen = new Map<string, readonly string[]>();
  const byDepth = [...paths].sort(([a, one], [b, other]) => other.path.length - one.path.length || (a < b ? -1 : 1));
  for (const [group, { path: groups, hosts }] of byDepth) {
    for (const host of hosts) {
      const known = chosen.get(host);
      if (known === undefined) chosen.set(host, groups);
      else if (!groups.every((name, index) => known[index] === name)) {
        elsewhere.set(group, (elsewhere.get(group) ?? 0) + 1);
      }
    }
  }
  return chosen;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** Returns a host, or the reason why it cannot be imported. */
function hostOf(name: string, variables: Json, source: SourceText): ImportedHost | string {
  const connection = variables['ansible_connection'];
  if (!sshConnections.includes(connection)) return `it is reached by ${String(connection)}, not by SSH`;
  const template = Object.entries(variables).find(
    ([key, value]) => /^ansible_(host|port|user|ssh_)/.test(key) && typeof value === 'string' && value.includes('{{'),
  );
  if (template !== undefined) return `${template[0]} is a template, which only Ansible fills in`;
  const text = (...keys: readonly string[]): string | null => {
    const value = keys.map((key) => variables[key]).find((one) => one !== undefined && one !== null);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  };
  const ip = text('ansible_host', 'ansible_ssh_host');
  const key = text('ansible_ssh_private_key_file', 'ansible_private_key_file');
  const jump = jumpOf(`${text('ansible_ssh_common_args') ?? ''} ${text('ansible_ssh_extra_args') ?? ''}`);
  return {
    ...hostNamed(name, `host ${name}`),
    ip: ip === name ? null : ip,
    port: text('ansible_port', 'ansible_ssh_port'),
    username: text('ansible_user', 'ansible_ssh_user'),
    privateKey: key === null || source.file === null ? key : absolute(key, path.dirname(source.file)),
    proxyJump: jump?.jump ?? null,
    remarks: jump?.remark === undefined ? [] : [jump.remark],
  };
}

function absolute(file: string, folder: string): string {
  return file.startsWith('~/') ? file : path.resolve(folder, file);
}

/** Returns the jump of ssh's arguments: `-J jump`, `-o ProxyJump=jump`, `-o ProxyCommand="ssh -W %h:%p jump"`. */
function jumpOf(args: string): { readonly jump: string | null; readonly remark?: string } | null {
  const words = splitWords(args)?.words ?? [];
  const options = words.map((word, index) => (word === '-o' ? (words[index + 1] ?? '') : word.replace(/^-o/, '')));
  const short = words.indexOf('-J');
  const jump = (short === -1 ? undefined : words[short + 1]) ?? words.find((word) => /^-J./.test(word))?.slice(2);
  const option =
    jump ?? options.map((option) => /^ProxyJump[= ](.+)$/i.exec(option)?.[1]).find((one) => one !== undefined);
  if (option !== undefined) return { jump: option };
  const command = options.map((option) => /^ProxyCommand[= ](.+)$/i.exec(option)?.[1]).find((one) => one !== undefined);
  if (command === undefined) return null;
  const plain = /^ssh (?:-q |-W %h:%p ){1,2}([^\s-][^\s]*)(?: -W %h:%p)?(?: -q)?$/.exec(command);
  return plain?.[1] === undefined
    ? { jump: null, remark: `its ProxyCommand has no words here: ${command}` }
    : { jump: plain[1] };
}
