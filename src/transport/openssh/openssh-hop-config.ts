import { existsSync } from 'node:fs';
import { isIP } from 'node:net';

import { defaultSshConfigFiles } from '../../config/settings/ssh-config-files.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { bastionFailed, ofClient } from '../bastions/bastion-failed.ts';
import type { Hop } from '../route/hop.ts';
import { hostName } from '../known-hosts/known-hosts.ts';
import { fixedOptions, knownHostsWords, quoted, refuseWord, unfit, withoutForwarding } from './openssh-arguments.ts';
import type { OpensshSecrets, OpensshTarget } from './openssh-arguments.ts';

export interface HopConfigOptions {
  /** The client's name in errors. */
  readonly client: string;
  /** The ProxyCommand through the previous machine. null if the collector dials this machine. */
  readonly proxyCommand: string | null;
  readonly tcpTimeoutMs: number;
  /** ssh's version, major times 100 plus minor. */
  readonly version: number;
}

/**
 * Returns an ssh_config for one machine on the route to a client. It holds the settings of config.xml and then includes
 * the machine's ssh_config files: the first value of an option wins (ssh_config(5)). Throws FleetError `config-invalid`
 * for a value that cannot be written.
 */
export function hopConfig(hop: Hop, options: HopConfigOptions): string {
  const { client, version, proxyCommand } = options;
  const { credentials, sshConfig } = hop;
  const file = (attribute: string, name: string): string => quoted({ client }, `${attribute} of ${hop.name}`, name);
  const { called, alias } = namesOf(hop);
  const lines = [
    `HostName ${refuseWord({ client }, `ip of ${hop.name}`, called).replaceAll('%', '%%')}`,
    ...(alias === null ? [] : [`HostKeyAlias ${refuseWord({ client }, `HostKeyAlias of ${hop.name}`, alias)}`]),
    `Port ${hop.port}`,
    ...(hop.family === 0 ? [] : [`AddressFamily ${hop.family === 4 ? 'inet' : 'inet6'}`]),
    // Other syntax can only come from ssh_config, which is included below.
    ...(hop.kex !== null && /^[+^-]?[\w.,@*-]+$/.test(hop.kex) ? [`KexAlgorithms ${hop.kex}`] : []),
    ...proxyLines(hop, proxyCommand),
    ...timeLines(hop, options),
    ...hostKeyLines({ client }, hop),
    // `hop.knownHosts` includes ssh's global files where they apply.
    'GlobalKnownHostsFile /dev/null',
    ...keyLines(hop).map(([option, name]) => `${option} ${file('privateKey', name)}`),
    `IdentitiesOnly ${onlyNamedKeys(hop) ? 'yes' : 'no'}`,
    `IdentityAgent ${agentOf(credentials.agent, (name) => file('agent', name))}`,
    ...[...always, ...fixedOptions(version), ...withoutForwarding].map((option) => option.replace('=', ' ')),
    ...sshConfig.files.map((name) => includeLine(client, hop.name, name)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * Returns an ssh_config for a client behind a ProxyJump of ssh_config. ssh hands the name of its file, and no option,
 * to each ssh that it starts for a jump. So the file holds the known hosts and the policy of each jump, and includes
 * the client's own files. A jump that only ssh can find (`Match exec`) has those of the client. `others` are
 * known_hosts files in the syntax of ssh_config. Throws FleetError `config-invalid` for a value that cannot be written.
 */
export function jumpConfig(target: OpensshTarget, others: readonly string[]): string {
  const { client, jumps, config, policy } = target;
  const files = config === 'none' ? [] : config === 'own' ? defaultSshConfigFiles() : [config.file];
  const lines = [
    ...jumps.flatMap(({ sshConfig: { host }, ...jump }) =>
      isHostName(host) ? [`Host ${host}`, ...hostKeyLines({ client }, { name: host, ...jump })] : [],
    ),
    'Host *',
    strictLine(policy),
    `UserKnownHostsFile ${knownHostsWords(target, others)}`,
    ...files.map((name) => includeLine(client, client, name)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function hostKeyLines(
  client: Pick<OpensshTarget, 'client'>,
  { name, policy, knownHosts }: Pick<Hop, 'name' | 'policy' | 'knownHosts'>,
): readonly string[] {
  const files = knownHosts.map((file) => quoted(client, `knownHosts of ${name}`, file));
  return [strictLine(policy), `UserKnownHostsFile ${files.join(' ')}`];
}

function strictLine(policy: Hop['policy']): string {
  return `StrictHostKeyChecking ${policy === 'strict' ? 'yes' : 'accept-new'}`;
}

/** Further options that no ssh_config file may change. BatchMode prevents prompts, which nobody could answer. */
const always = ['BatchMode=yes', 'ControlMaster=no', 'ControlPath=none', 'CanonicalizeHostname=no', 'RequestTTY=no'];

/**
 * Returns the names under which ssh looks up a machine's host key: its HostName, and its HostKeyAlias if that differs.
 */
export function namesOf({ name, address, port, knownAs }: Hop): { called: string; alias: string | null } {
  if (knownAs === hostName(address, port)) return { called: address, alias: null };
  // HostName instead of HostKeyAlias: ssh compares the principals of a host certificate with the whole alias, including
  // a port.
  if (isHostName(name) && knownAs === hostName(name, port)) return { called: name, alias: null };
  return { called: address, alias: knownAs };
}

/** True if ssh takes the name as a host and not as a user, URI or option. */
export function isHostName(name: string): boolean {
  return isIP(name) !== 0 || /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name);
}

/**
 * Checks that credentials are configured for the client and for every hop. Throws FleetError `credentials-unusable` or
 * `bastion-failed` if they are missing.
 */
export function checkCredentials(target: OpensshTarget, secrets: OpensshSecrets): void {
  const { client, route } = target;
  if (lacksAgent(target, secrets)) {
    const message = 'agent="env", but $SSH_AUTH_SOCK is not set';
    throw new FleetError({ client, code: 'credentials-unusable', stage: 'login', message });
  }
  if (route === null || route === 'direct') return;
  for (const hop of route.hops) {
    const refusal = hopRefusal(hop);
    if (refusal === null) continue;
    const fault = new FleetError({ code: 'credentials-unusable', stage: 'login', ...refusal });
    throw ofClient(bastionFailed(hop.name, fault), client);
  }
}

/** True if $SSH_AUTH_SOCK is the only configured credential and is not set. */
function lacksAgent({ agent, privateKey, config }: OpensshTarget, { password }: OpensshSecrets): boolean {
  if (agent !== 'env' || process.env['SSH_AUTH_SOCK']) return false;
  return (privateKey === null || privateKey === 'none') && password === null && config === 'none';
}

/** Returns why an ssh without prompts cannot log in to a machine on the route. Returns null if a login can be tried. */
function hopRefusal(hop: Hop): { readonly message: string; readonly advice: string } | null {
  const { password, passphrase, privateKeys, agent } = hop.credentials;
  const socket = agent === 'env' ? process.env['SSH_AUTH_SOCK'] : (agent ?? '');
  const advice = 'Give it a private key without a passphrase or an agent, or reach the client with transport="ssh2".';
  if (socket) return null;
  const lacking = (what: string) => ({ message: `${what}, which transport="openssh" does not answer for it`, advice });
  if (passphrase !== null && privateKeys.length > 0) return lacking('its private key needs a passphrase');
  if (privateKeys.length > 0) return null;
  if (password !== null) return lacking('all it has is a password');
  if (agent === 'env') return { message: 'agent="env", but $SSH_AUTH_SOCK is not set', advice };
  return null;
}

function proxyLines({ sshConfig }: Hop, proxyCommand: string | null): readonly string[] {
  if (proxyCommand !== null) return [`ProxyCommand ${proxyCommand}`, 'ProxyUseFdpass no'];
  // ssh_config may set a proxy for the first machine, unless config.xml sets proxyJump.
  return sshConfig.overruled ? ['ProxyCommand none'] : [];
}

function timeLines({ connectTimeoutMs }: Hop, { proxyCommand, tcpTimeoutMs }: HopConfigOptions): readonly string[] {
  // Behind another machine, the time would start before the login to that machine.
  if (proxyCommand !== null) return ['ConnectTimeout 0'];
  return [`ConnectTimeout ${Math.max(1, Math.ceil((connectTimeoutMs ?? tcpTimeoutMs) / 1000))}`];
}

function keyLines({ credentials }: Hop): readonly (readonly [string, string])[] {
  const there = credentials.privateKeys.filter(({ path, optional }) => !optional || existsSync(path));
  const keys = there.length === 0 ? ['none'] : there.map(({ path }) => path);
  return keys.map((path) => ['IdentityFile', path] as const);
}

function onlyNamedKeys({ credentials: { agent, identitiesOnly, privateKeys } }: Hop): boolean {
  return agent === null || identitiesOnly || privateKeys.some(({ optional }) => !optional);
}

function agentOf(agent: string | null, write: (socket: string) => string): string {
  // The path is written out: the environment of this ssh has $SSH_AUTH_SOCK only if the client uses that agent.
  const socket = agent === 'env' ? process.env['SSH_AUTH_SOCK'] : agent;
  return socket ? write(socket) : 'none';
}

function includeLine(client: string, machine: string, file: string): string {
  if (/[*?[\]]/.test(file)) {
    throw unfit({ client }, `config=${JSON.stringify(file)} of ${machine}`, 'choose a path without *, ? and brackets');
  }
  return `Include ${quoted({ client }, `config of ${machine}`, file).replaceAll('%%', '%')}`;
}
