import { writtenParentNames } from '../../../config/values/jumps.ts';
import { groupBy } from '../../../platform/group-by.ts';
import { splitWords } from '../../../report/check-command.ts';
import { counted } from '../../../text/numbers.ts';
import {
  type Imported,
  type ImportedCheck,
  type ImportedHost,
  type Skipped,
  type SourceText,
  hostNamed,
} from '../imported.ts';
import { createLeftKeys, type LeftKeys } from '../left-keys.ts';
import { unreadable } from '../unreadable.ts';

type NagiosObject = ReadonlyMap<string, string>;

interface Definition {
  readonly type: string;
  readonly line: number;
  readonly of: NagiosObject;
}

const advice = 'Give objects.precache, which `nagios -pv nagios.cfg` makes where precached_object_file says.';

/** The directives that are read, by the type of their object. */
const taken: Readonly<Record<string, readonly string[]>> = {
  host: ['host_name', 'address', 'parents'],
  service: ['host_name', 'service_description', 'check_command'],
  hostgroup: ['hostgroup_name', 'members'],
  command: ['command_name', 'command_line'],
};

/**
 * Reads Nagios's `objects.precache` (`nagios -p`), in which Nagios itself has resolved templates and groups
 * (https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/objectdefinitions.html). Commands of
 * check_by_ssh become checks; other commands of services stay as remarks.
 */
export function readNagios(source: SourceText): Imported {
  const definitions = definitionsOf(source.text);
  if (!definitions.some(({ type }) => type === 'host')) {
    throw unreadable(source, 'there is no `define host` in it', advice);
  }
  const raw = definitions.find(isUnresolved);
  if (raw !== undefined) {
    throw unreadable(source, `line ${raw.line} has templates or lists, which only Nagios resolves`, advice);
  }
  const left = createLeftKeys();
  const commands = new Map(
    definitions
      .filter(({ type }) => type === 'command')
      .map(({ of }) => [of.get('command_name') ?? '', of.get('command_line') ?? ''] as const),
  );
  const groups = groupsOf(definitions, left);
  const services = groupBy(
    definitions.filter(({ type }) => type === 'service'),
    ({ of }) => of.get('host_name') ?? '',
  );
  const hosts = definitions
    .filter(({ type }) => type === 'host')
    .map((definition): ImportedHost => {
      const host = hostOf(definition, groups);
      const read = (services.get(host.name) ?? []).map(({ of }) => serviceOf(of, host, commands));
      const checks = read.filter((one) => typeof one !== 'string');
      return {
        ...host,
        ...loginOf(host, checks, left),
        checks: checks.map(({ name, command }) => ({ name, command })),
        remarks: [...host.remarks, ...read.filter((one) => typeof one === 'string')],
      };
    });
  return { hosts, skipped: [...unreadDirectives(definitions), ...left.skipped()] };
}

/** True if an object is as people write it: Nagios has not resolved its templates and lists. */
function isUnresolved({ type, of }: Definition): boolean {
  if (type !== 'host' && type !== 'service' && type !== 'hostgroup') return false;
  const ofPeople = ['use', 'register', 'name', 'hostgroups', ...(type === 'hostgroup' ? [] : ['hostgroup_name'])];
  if (ofPeople.some((word) => of.has(word))) return true;
  // A comment behind a value, or a value that goes on in the next line.
  if (['host_name', 'address', 'members'].some((word) => /;|\\$/.test(of.get(word) ?? ''))) return true;
  return type === 'service' && /[,*!]/.test(of.get('host_name') ?? '*');
}

/** The form of Nagios's directives and of custom variables. Whatever has another form may be a secret. */
const directive = /^(?:(?:[23]d_)?[a-z]+(?:_[a-z]+)*|_[A-Z]+(?:_[A-Z]+)*)$/;

/** Returns an entry for each type of object with the directives that are not read. */
function unreadDirectives(definitions: readonly Definition[]): readonly Skipped[] {
  return [...groupBy(definitions, ({ type }) => type)].flatMap(([type, objects]) => {
    const where = `define ${type}`;
    const read = Object.hasOwn(taken, type) ? taken[type] : undefined;
    if (read === undefined) return [{ where, why: `${counted(objects.length, 'object')} of this type not taken` }];
    const keys = new Set(objects.flatMap(({ of }) => [...of.keys()].filter((key) => !read.includes(key))));
    const names = new Set([...keys].map((key) => (directive.test(key) ? key : 'one without a name')));
    return names.size === 0 ? [] : [{ where, why: `directives that are not taken: ${[...names].join(', ')}` }];
  });
}

/** Returns the first host group of each host. */
function groupsOf(definitions: readonly Definition[], left: LeftKeys): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const { type, of } of definitions) {
    if (type !== 'hostgroup') continue;
    const group = of.get('hostgroup_name') ?? '';
    for (const member of listOf(of.get('members'))) {
      if (!groups.has(member)) groups.set(member, group);
      else left.leave(`host group ${group}; a client has one group`, member);
    }
  }
  return groups;
}

function hostOf({ of, line }: Definition, groups: ReadonlyMap<string, string>): ImportedHost {
  const name = of.get('host_name') ?? '';
  const address = of.get('address') ?? null;
  const parents = listOf(of.get('parents'));
  const group = groups.get(name);
  return {
    ...hostNamed(name, `line ${line}`),
    ip: address === name ? null : address,
    groups: group === undefined ? [] : [group],
    on: parents.length === 0 ? null : writtenParentNames(parents),
  };
}

/** Returns the login that all checks of a host share. Reports other options, and those that differ. */
function loginOf(
  { name }: ImportedHost,
  checks: readonly SshCheck[],
  left: LeftKeys,
): Pick<ImportedHost, 'username' | 'port' | 'privateKey'> {
  for (const option of checks.flatMap(({ others }) => others)) left.leave(`option ${option} of check_by_ssh`, name);
  const shared = (flag: 'l' | 'p' | 'i'): string | null => {
    const values = new Set(checks.map(({ login }) => login.get(flag) ?? null));
    const [value = null] = values;
    if (values.size <= 1 && !/\$\w+\$/.test(value ?? '')) return value;
    left.leave(`option -${flag} of check_by_ssh`, name);
    return null;
  };
  return { username: shared('l'), port: shared('p'), privateKey: shared('i') };
}

/** Returns a check, or a remark about a service that cannot become one. */
function serviceOf(of: NagiosObject, host: ImportedHost, commands: ReadonlyMap<string, string>): SshCheck | string {
  const description = of.get('service_description') ?? '';
  const [command = '', ...args] = (of.get('check_command') ?? '').split('!');
  const line = (commands.get(command) ?? '').replace(/\$ARG(\d+)\$/g, (_, number) => args[Number(number) - 1] ?? '');
  const remark = `service ${description}: ${of.get('check_command') ?? ''}`;
  if (/\bcheck_nrpe\b/.test(line)) return `${remark} (the client's include-nrpe runs it)`;
  if (!/\bcheck_by_ssh\b/.test(line)) return remark;
  return sshCheckOf({ name: description, line, addresses: [host.name, host.ip] }) ?? remark;
}

function definitionsOf(text: string): readonly Definition[] {
  const definitions: Definition[] = [];
  let open: { type: string; line: number; of: Map<string, string> } | null = null;
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    const type = /^define\s+(\w+)\s*\{/.exec(line)?.[1];
    if (type !== undefined) open = { type, line: index + 1, of: new Map() };
    else if (line === '}') {
      if (open !== null) definitions.push(open);
      open = null;
    } else if (open !== null && !/^[#;]/.test(line)) {
      const pair = /^(\S+)\s+(.*)$/.exec(line);
      if (pair !== null) open.of.set(pair[1] ?? '', pair[2] ?? '');
    }
  });
  return definitions;
}

function listOf(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').flatMap((one) => one.trim() || []);
}

/** A command of check_by_ssh: what it runs on the machine, and how it logs in. */
interface SshCheck extends ImportedCheck {
  /** The values of -l, -p and -i. */
  readonly login: ReadonlyMap<string, string>;
  /** The options that have no field here, such as `-t`. */
  readonly others: readonly string[];
}

const long: Readonly<Record<string, string>> = {
  ...{ hostname: 'H', command: 'C', user: 'u', logname: 'l', identity: 'i', port: 'p', timeout: 't' },
  ...{ 'ssh-option': 'o', configfile: 'F', output: 'O', name: 'n', services: 's' },
};
const withArgument = 'HClipuotFOns';

/**
 * Returns the check of a command line (https://www.monitoring-plugins.org/doc/man/check_by_ssh.html). Returns null if it
 * runs on another machine than the given ones, or if only Nagios can fill in its command.
 */
function sshCheckOf(options: {
  readonly name: string;
  readonly line: string;
  readonly addresses: readonly (string | null)[];
}): SshCheck | null {
  const words = splitWords(options.line)?.words ?? [];
  const start = words.findIndex((word) => /(?:^|\/)check_by_ssh$/.test(word));
  const values = new Map<string, string>();
  const others: string[] = [];
  for (let at = start + 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, name, given] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = name === undefined ? word.slice(1, 2) : (long[name] ?? '');
    if (!word.startsWith('-') || flag === '' || !withArgument.includes(flag)) {
      others.push(/^--?\w[\w-]*/.exec(word)?.[0] ?? 'without a name');
      continue;
    }
    const attached = name === undefined ? word.slice(2) || undefined : given;
    if (attached === undefined) at += 1;
    const value = attached ?? words[at] ?? '';
    if ('HClip'.includes(flag)) values.set(flag, value);
    else others.push(`-${flag}`);
  }
  const command = values.get('C');
  const target = values.get('H') ?? '$HOSTADDRESS$';
  // Only Nagios can fill in a macro such as $HOSTADDRESS$.
  if (start === -1 || command === undefined || /\$\w+\$/.test(command)) return null;
  if (!['$HOSTADDRESS$', '$HOSTNAME$', ...options.addresses].includes(target)) return null;
  return { name: options.name, command, login: values, others };
}
