/** src/transport/openssh: the machine's own `ssh`. */
import { FleetError } from '../../platform/errors/errors.ts';
import type { Hop } from '../route/hop.ts';

/** The configured connection to a client. null leaves a setting to ssh_config and ssh's own defaults. */
export interface OpensshTarget {
  /** The client's name in errors. */
  readonly client: string;
  /** The host name that ssh is called with. ssh compares the `Host` lines of ssh_config with it. */
  readonly host: string;
  readonly hostName: string | null;
  readonly port: number | null;
  readonly username: string | null;
  /** The ssh_config files: a file that replaces the user's and the system's files, `own` for those two, or `none`. */
  readonly config: { readonly file: string } | 'own' | 'none';
  /** An absolute path. ssh reads this file before the files that ssh_config names, and writes new keys to it. */
  readonly knownHosts: string;
  readonly policy: 'strict' | 'accept-new';
  /** The key exchanges, in the syntax of KexAlgorithms. null leaves them to ssh_config. */
  readonly kex: string | null;
  /** An absolute path, or `none`. */
  readonly privateKey: string | null;
  /** The absolute path of a socket, `env` for $SSH_AUTH_SOCK, or `none`. */
  readonly agent: string | null;
  /** The name of the client's host key, if the name is not the address. null leaves the name to ssh_config. */
  readonly hostKeyAlias: string | null;
  /**
   * The configured route. `direct` connects from the collector and ignores the proxy settings of ssh_config. null
   * leaves the route to ssh_config.
   */
  readonly route: OpensshRoute | 'direct' | null;
  /** The machines before the client that ssh_config's ProxyJump names, as far as it can be read without ssh. */
  readonly jumps: readonly OpensshJump[];
  /** Returns the secrets. Called once at the beginning of each connection. May throw FleetError. */
  readonly secrets: () => OpensshSecrets;
}

/** The machines before a client, from the collector outwards, and the client's address for the last machine. */
export interface OpensshRoute {
  readonly hops: readonly Hop[];
  readonly address: string;
  readonly port: number;
}

/** A machine to which ssh itself starts a further ssh, by a ProxyJump of ssh_config. */
export type OpensshJump = Pick<Hop, 'knownHosts' | 'policy'> & { readonly sshConfig: Pick<Hop['sshConfig'], 'host'> };

/** The secrets that ssh may prompt for. */
export interface OpensshSecrets {
  readonly password: string | null;
  readonly passphrase: string | null;
}

export interface MasterOptions {
  /** The path of the control socket. */
  readonly socket: string;
  /** The known_hosts files to read after the target's own, in the syntax of ssh_config. */
  readonly otherKnownHosts: readonly string[];
  readonly secrets: OpensshSecrets;
  /** The ProxyCommand. null leaves the proxy to ssh_config. */
  readonly proxyCommand: string | null;
  /** The ssh_config file in place of the target's, for the jumps too. null takes the target's. */
  readonly jumpConfig: string | null;
  /** ssh's version, major times 100 plus minor: 902 is 9.2. Options that an older ssh does not know are omitted. */
  readonly version: number;
}

/** Returns the options that no ssh_config may change, for an ssh of this version. */
export function fixedOptions(version: number): readonly string[] {
  return [
    'LogLevel=DEBUG2',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    'Tunnel=no',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=2',
    ...(version >= 807 ? ['ForkAfterAuthentication=no', 'StdinNull=no'] : []),
    // A server must not change the known_hosts entries about itself.
    'UpdateHostKeys=no',
    'HashKnownHosts=no',
    'CheckHostIP=no',
    'VisualHostKey=no',
    'AddKeysToAgent=no',
  ];
}

/** The options that forward nothing. */
export const withoutForwarding: readonly string[] = ['ClearAllForwardings=yes', 'ForwardAgent=no', 'ForwardX11=no'];

/**
 * Returns the arguments of the master: the ssh that logs in and then waits for commands on its control socket (ssh(1),
 * ssh_config(5)). No argument passes through a shell. Throws FleetError `config-invalid` for a value that cannot be
 * passed to ssh.
 */
export function masterArguments(target: OpensshTarget, options: MasterOptions): string[] {
  const { password, passphrase } = options.secrets;
  const proxyCommand = target.route === 'direct' ? 'none' : options.proxyCommand;
  return [
    ...['-M', '-S', options.socket, '-N', '-T'],
    ...settings([
      'ControlPersist=no',
      ...fixedOptions(options.version),
      ...(proxyCommand === null
        ? []
        : [`ProxyCommand=${proxyCommand}`, 'ProxyUseFdpass=no', 'CanonicalizeHostname=no']),
      'NumberOfPasswordPrompts=1',
      ...(password === null && passphrase === null ? ['BatchMode=yes'] : ['BatchMode=no']),
      ...(password === null ? [] : ['PasswordAuthentication=yes', 'KbdInteractiveAuthentication=yes', methodOrder]),
      // Without these methods the server sends no prompts, so every prompt asks for the passphrase.
      ...(password === null && passphrase !== null
        ? ['PasswordAuthentication=no', 'KbdInteractiveAuthentication=no']
        : []),
      `StrictHostKeyChecking=${target.policy === 'strict' ? 'yes' : 'accept-new'}`,
      `UserKnownHostsFile=${knownHostsWords(target, options.otherKnownHosts)}`,
    ]),
    ...targetArguments(options.jumpConfig === null ? target : { ...target, config: { file: options.jumpConfig } }),
  ];
}

/** Returns the value of UserKnownHostsFile: the target's own file, and `others` in the syntax of ssh_config. */
export function knownHostsWords(target: OpensshTarget, others: readonly string[]): string {
  return [quoted(target, 'knownHosts', target.knownHosts), ...others].join(' ');
}

/** Removes the password if the target has keys: from config.xml, from ssh_config, or ssh's default keys. */
export function opensshBesideKeys(target: OpensshTarget): OpensshTarget {
  const { privateKey, agent, config, secrets } = target;
  const hasAgent = agent !== null && agent !== 'none';
  const hasKey = privateKey === null ? config !== 'none' : privateKey !== 'none';
  return hasAgent || hasKey ? { ...target, secrets: () => ({ ...secrets(), password: null }) } : target;
}

/** Returns the arguments that name the client and its login. They come last. */
export function targetArguments(target: OpensshTarget): string[] {
  const { host, hostName, hostKeyAlias, port, username, config, agent } = target;
  if (!/^[\w:][\w.:%-]*$/.test(host))
    throw unfit(target, `the name ${JSON.stringify(host)}`, 'ip="..." says where it is');
  const file = config === 'none' ? '/dev/null' : config === 'own' ? null : config.file;
  return [
    ...(file === null ? [] : ['-F', file]),
    ...settings([
      ...withoutForwarding,
      ...(config === 'none' ? ['GlobalKnownHostsFile=/dev/null'] : []),
      ...(hostName === null ? [] : [`HostName=${escaped(hostName)}`]),
      ...(hostKeyAlias === null ? [] : [`HostKeyAlias=${refuseWord(target, 'HostKeyAlias', hostKeyAlias)}`]),
      ...(target.kex === null ? [] : [`KexAlgorithms=${target.kex}`]),
      ...keyOptions(target),
      ...(agent === null ? [] : [`IdentityAgent=${agentOption(target, agent)}`]),
    ]),
    ...(port === null ? [] : ['-p', String(port)]),
    ...(username === null ? [] : ['-l', username]),
    ...['--', host],
  ];
}

/** Returns the arguments of an ssh that runs a command over the master's connection and never connects by itself. */
export function commandArguments(socket: string, command: string): string[] {
  // Without the socket, ssh would connect by itself. The host name does not exist and the ProxyCommand fails, so such a
  // connection cannot succeed.
  const options = ['LogLevel=QUIET', 'ControlMaster=no', 'ProxyCommand=false', 'BatchMode=yes'];
  return ['-F', '/dev/null', '-S', socket, '-T', ...settings(options), '--', 'fleet-health.invalid', command];
}

/**
 * Returns the environment of ssh: only the listed variables of this process, $SSH_AUTH_SOCK only if configured, and
 * English messages.
 */
export function opensshEnvironment(target: OpensshTarget): Record<string, string> {
  const names = ['HOME', 'PATH', 'USER', 'LOGNAME', 'KRB5CCNAME', 'KRB5_CONFIG', 'SSH_SK_PROVIDER', 'SSH_SK_HELPER'];
  if (target.agent === 'env') names.push(agentVariable);
  const kept = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), LANG: 'C', LC_ALL: 'C' };
}

function agentOption(target: OpensshTarget, agent: string): string {
  if (agent === 'none') return 'none';
  return agent === 'env' ? agentVariable : quoted(target, 'agent', agent);
}

const agentVariable = 'SSH_AUTH_SOCK';
/**
 * The order of login methods, fixed by this program. A rejected password is not sent again by keyboard-interactive
 * (openssh-prompts.ts).
 */
const methodOrder = 'PreferredAuthentications=gssapi-with-mic,hostbased,publickey,password,keyboard-interactive';

/**
 * Returns the options for the keys to offer. Without ssh_config, default keys are not offered if an agent or a password
 * is configured.
 */
function keyOptions(target: OpensshTarget): string[] {
  const { config, privateKey, agent, secrets } = target;
  const hasAgent = agent !== null && agent !== 'none';
  if (privateKey === 'none') return [hasAgent ? 'IdentityFile=none' : 'PubkeyAuthentication=no'];
  if (privateKey !== null) return [`IdentityFile=${quoted(target, 'privateKey', privateKey)}`, 'IdentitiesOnly=yes'];
  return config === 'none' && (hasAgent || secrets().password !== null) ? ['IdentityFile=none'] : [];
}

function settings(options: readonly string[]): string[] {
  return options.flatMap((option) => ['-o', option]);
}

/** Escapes `%` in a value (ssh_config(5), TOKENS). */
function escaped(value: string): string {
  return value.replaceAll('%', '%%');
}

/**
 * Quotes a path for ssh_config and escapes its tokens. Throws FleetError for a path with quotes, backslashes or `${`,
 * because not every version of ssh can escape them.
 */
export function quoted(target: Named, attribute: string, file: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what must not be there.
  if (/["\\\u0000-\u001f\u007f]|\$\{/.test(file)) {
    throw unfit(target, `${attribute}=${JSON.stringify(file)}`, 'choose a path without quotes, backslashes and ${');
  }
  return `"${escaped(file)}"`;
}

/** Returns an unquoted value. Throws FleetError for a word with other than harmless characters. */
export function refuseWord(target: Named, what: string, word: string): string {
  if (!/^[\w.:%@[\]-]+$/.test(word)) throw unfit(target, `${what}=${JSON.stringify(word)}`, 'choose a plain name');
  return word;
}

type Named = Pick<OpensshTarget, 'client'>;

export function unfit({ client }: Named, what: string, advice: string): FleetError {
  const message = `${client}: ${what} cannot be handed to ssh`;
  return new FleetError({ client, code: 'config-invalid', stage: 'connect', message, advice });
}
