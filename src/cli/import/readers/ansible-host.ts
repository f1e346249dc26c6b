/** src/cli/import/readers: one reader for each kind of list. */
import path from 'node:path';

import { splitWords } from '../../../report/check-command.ts';
import { hostNamed, type ImportedHost, type SourceText } from '../imported.ts';
import type { LeftKeys } from '../left-keys.ts';
import { parseSshArguments, type SshArguments } from './ssh-arguments.ts';
import { importedRoute } from './ssh-route.ts';

/** Connection plugins that are SSH: https://docs.ansible.com/ansible/latest/collections/index_connection.html */
const sshConnections: ReadonlySet<string> = new Set([
  ...['ssh', 'smart', 'paramiko', 'paramiko_ssh', 'libssh', 'ansible.builtin.ssh'],
  ...['ansible.builtin.paramiko_ssh', 'ansible.netcommon.libssh'],
]);

/**
 * The variables that are read. The first name of a value that is set counts; Ansible lists them the other way round and
 * takes the last (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ssh_connection.html).
 */
const names = {
  ip: ['ansible_ssh_host', 'ansible_host'],
  port: ['ansible_ssh_port', 'ansible_port'],
  username: ['ansible_ssh_user', 'ansible_user'],
  key: ['ansible_ssh_private_key_file', 'ansible_private_key_file'],
  args: ['ansible_ssh_args'],
  commonArgs: ['ansible_ssh_common_args'],
  extraArgs: ['ansible_ssh_extra_args'],
  command: ['ansible_paramiko_proxy_command', 'ansible_libssh_proxy_command'],
  connection: ['ansible_connection'],
} as const;

type Values = Record<keyof typeof names, string | null>;

const noValues: Readonly<Values> = {
  ...{ ip: null, port: null, username: null, key: null, connection: null },
  ...{ args: null, commonArgs: null, extraArgs: null, command: null },
};

const taken: ReadonlySet<string> = new Set(Object.values(names).flat());

interface AnsibleHostOptions {
  readonly name: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly source: SourceText;
  /** Receives the variables and options of the connection that are not taken. */
  readonly left: LeftKeys;
  /** Receives the names of all other variables. */
  readonly others: Set<string>;
}

/** Returns a host with the settings that Ansible would use, or the reason why it cannot be imported. */
export function ansibleHost({ name, variables, source, left, others }: AnsibleHostOptions): ImportedHost | string {
  for (const key of Object.keys(variables)) {
    if (key.startsWith('ansible_') && !taken.has(key)) left.leave(`variable ${key}`, name);
    else if (!taken.has(key)) others.add(key);
  }
  const values = valuesOf(variables, source.defaults ?? {});
  if (typeof values === 'string') return values;
  if (values.connection !== null && !sshConnections.has(values.connection)) {
    return `it is reached by ${values.connection}, not by SSH`;
  }
  const written = [values.args, values.commonArgs, values.extraArgs].map(argumentsOf);
  if (!written.every((args) => args !== null)) return 'its arguments for ssh are not such that ssh would take them';
  const [first, ...after] = written;
  const keyFile = (file: string): string =>
    source.file === null || file.startsWith('~') ? file : path.resolve(path.dirname(source.file), file);
  const username = first?.user ?? values.username ?? firstOf(after, ({ user }) => user);
  const command = values.command === null ? null : ({ kind: 'command', value: values.command } as const);
  const route = importedRoute(firstOf(written, (args) => args.route) ?? command, username, keyFile);
  if (typeof route === 'string') return route;
  const keys = [...(first?.keys ?? []), values.key ?? [], ...after.flatMap((args) => args.keys)].flat();
  for (const option of written.flatMap((args) => args.others)) left.leave(`option ${option} of ssh`, name);
  for (const option of route.others) left.leave(`option ${option} of a ProxyCommand`, name);
  if (keys.length > 1) left.leave('private keys after the first', name);
  const ip = firstOf(written, ({ hostName }) => hostName) ?? values.ip;
  return {
    ...hostNamed(name, `host ${name}`),
    ip: ip === name ? null : ip,
    port: first?.port ?? values.port ?? firstOf(after, ({ port }) => port),
    username,
    privateKey: keys[0] === undefined ? null : keyFile(keys[0]),
    proxyJump: route.proxyJump,
    bastion: route.bastion,
  };
}

/** Returns the values of the variables that are read, or what is wrong with one of them. */
function valuesOf(
  variables: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): Values | string {
  const values = { ...noValues };
  for (const what of Object.keys(names) as (keyof Values)[]) {
    for (const from of [variables, defaults]) {
      const key = names[what].find((one) => from[one] !== undefined && from[one] !== null);
      if (key === undefined) continue;
      const { text, fault } = plainValue(from[key]);
      if (fault !== null) return `${key} ${fault}`;
      values[what] ??= text;
    }
  }
  return values;
}

type Plain = { readonly text: string; readonly fault: null } | { readonly text: null; readonly fault: string };

function plainValue(value: unknown): Plain {
  const wrong = (fault: string): Plain => ({ text: null, fault });
  if (typeof value === 'object' && value !== null) {
    if ('__ansible_vault' in value) return wrong('is encrypted by ansible-vault');
    if ('__ansible_unsafe' in value) return plainValue(value.__ansible_unsafe);
  }
  if (typeof value !== 'string' && typeof value !== 'number') return wrong('is neither a text nor a number');
  const text = String(value);
  return /\{[{%]/.test(text) ? wrong('is a template, which only Ansible fills in') : { text, fault: null };
}

function argumentsOf(text: string | null): SshArguments | null {
  const words = text === null ? [] : splitWords(text)?.words;
  const args = words === undefined ? null : parseSshArguments(words);
  // The name of the machine follows the arguments: a word that is no option would be taken for the machine.
  return args === null || args.host !== null || args.forward !== null ? null : args;
}

function firstOf<T>(written: readonly SshArguments[], pick: (args: SshArguments) => T | null): T | null {
  for (const args of written) {
    const value = pick(args);
    if (value !== null) return value;
  }
  return null;
}
