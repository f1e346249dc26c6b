import { groupBy } from '../platform/group-by.ts';
import { splitWords } from '../report/check-command.ts';
import { type Imported, type ImportedCheck, type ImportedHost, hostNamed, type SourceText } from './imported.ts';
import { unreadable } from './unreadable.ts';

type NagiosObject = ReadonlyMap<string, string>;

interface Definition {
  readonly type: string;
  readonly line: number;
  readonly of: NagiosObject;
}

/**
 * Reads Nagios's `objects.precache` (`nagios -p`), in which Nagios itself has resolved templates and groups
 * (https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/objectdefinitions.html). Commands of
 * check_by_ssh become checks; other commands of services stay as remarks.
 */
export function readNagios(source: SourceText): Imported {
  const definitions = definitionsOf(source.text);
  if (!definitions.some(({ type }) => type === 'host')) {
    throw unreadable(source, 'there is no `define host` in it', 'Give objects.precache, which `nagios -pv` makes.');
  }
  const commands = new Map(
    definitions
      .filter(({ type }) => type === 'command')
      .map(({ of }) => [of.get('command_name') ?? '', of.get('command_line') ?? ''] as const),
  );
  const groups = new Map<string, string>();
  for (const { type, of } of definitions) {
    if (type !== 'hostgroup') continue;
    for (const member of listOf(of.get('members'))) {
      if (!groups.has(member)) groups.set(member, of.get('hostgroup_name') ?? '');
    }
  }
  const services = groupBy(
    definitions.filter(({ type }) => type === 'service'),
    ({ of }) => of.get('host_name') ?? '',
  );
  const hosts = definitions
    .filter(({ type }) => type === 'host')
    .map((definition): ImportedHost => {
      const host = hostOf(definition, groups);
      const read = (services.get(host.name) ?? []).map(({ of }) => serviceOf(of, commands));
      return {
        ...host,
        checks: read.flatMap((one) => (typeof one === 'string' ? [] : [one])),
        remarks: [...host.remarks, ...read.flatMap((one) => (typeof one === 'string' ? [one] : []))],
      };
    });
  return { hosts, skipped: [] };
}

function hostOf({ of, line }: Definition, groups: ReadonlyMap<string, string>): ImportedHost {
  const name = of.get('host_name') ?? '';
  const address = of.get('address') ?? null;
  const parents = of.get('parents');
  const group = groups.get(name);
  return {
    ...hostNamed(name, `line ${line}`),
    ip: address === name ? null : address,
    groups: group === undefined ? [] : [group],
    remarks: parents === undefined ? [] : [`parents: ${parents}`],
  };
}

/** Returns a check, or a remark about a service that cannot become one. */
function serviceOf(of: NagiosObject, commands: ReadonlyMap<string, string>): ImportedCheck | string {
  const description = of.get('service_description') ?? '';
  const [command = '', ...args] = (of.get('check_command') ?? '').split('!');
  const line = (commands.get(command) ?? '').replace(/\$ARG(\d)\$/g, (_, number) => args[Number(number) - 1] ?? '');
  const remark = `service ${description}: ${of.get('check_command') ?? ''}`;
  if (/\bcheck_nrpe\b/.test(line)) return `${remark} (the client's include-nrpe runs it)`;
  if (!/\bcheck_by_ssh\b/.test(line)) return remark;
  const words = splitWords(line)?.words ?? [];
  const at = words.findIndex((word) => word === '-C' || word === '--command');
  const remote = at === -1 ? words.find((word) => word.startsWith('--command='))?.slice(10) : words[at + 1];
  // Only Nagios can fill in a macro such as $HOSTADDRESS$.
  if (remote === undefined || /\$\w+\$/.test(remote)) return remark;
  return { name: description, command: remote };
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
