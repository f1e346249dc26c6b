import { FleetError } from '../../errors.ts';
import type { Hop } from '../route/hop.ts';

/** The way to one client, as far as the configuration says it; null: left to ssh_config and ssh's own defaults. */
export interface OpensshTarget {
  /** Name in errors. */
  readonly client: string;
  /** What ssh is called with: the name that the `Host` lines of ssh_config are compared with. */
  readonly host: string;
  readonly hostName: string | null;
  readonly port: number | null;
  readonly username: string | null;
  /** A file in the place of the user's and the machine's own; `own`: those; `none`: no file at all. */
  readonly config: { readonly file: string } | 'own' | 'none';
  /** Absolute path; what ssh_config names is read after it, and new keys are written to it. */
  readonly knownHosts: string;
  readonly policy: 'strict' | 'accept-new';
  /** Key exchanges as ssh's KexAlgorithms takes them; null: left to ssh_config. */
  readonly kex: string | null;
  /** Absolute path; `none`. */
  readonly privateKey: string | null;
  /** Absolute path of a socket; `env`: $SSH_AUTH_SOCK; `none`. */
  readonly agent: string | null;
  /** The name of its host key, where that is not its address; null: left to ssh_config. */
  readonly hostKeyAlias: string | null;
  /** How config.xml says it is reached; `direct`: from here, whatever ssh_config says; null: left to ssh_config. */
  readonly way: OpensshRoute | 'direct' | null;
  /** Called once for each connection, when it begins; may throw FleetError. */
  readonly secrets: () => OpensshSecrets;
}

/** The machines before a client, nearest to the collector first, and what the last of them dials. */
export interface OpensshRoute {
  readonly hops: readonly Hop[];
  readonly address: string;
  readonly port: number;
}

/** What ssh may ask for. */
export interface OpensshSecrets {
  readonly password: string | null;
  readonly passphrase: string | null;
}

export interface MasterOptions {
  /** Where the control socket is made. */
  readonly socket: string;
  /** What is read after the target's own, as ssh_config says it. */
  readonly otherKnownHosts: readonly string[];
  readonly secrets: OpensshSecrets;
  /** What ssh speaks through; null: what ssh_config says. */
  readonly proxyCommand: string | null;
  /** Major times 100 plus minor, as 902; what an older ssh does not know is left out. */
  readonly version: number;
}

/**
 * The arguments of the process that logs in and then waits for commands on its control socket (ssh(1), ssh_config(5)).
 * Nothing here goes through a shell. Throws FleetError `config-invalid` for a value that ssh cannot be given as it is.
 */
export function masterArguments(target: OpensshTarget, options: MasterOptions): string[] {
  const { password, passphrase } = options.secrets;
  const proxyCommand = target.way === 'direct' ? 'none' : options.proxyCommand;
  return [
    ...['-M', '-S', options.socket, '-N', '-T'],
    ...settings([
      'LogLevel=DEBUG2',
      'ControlPersist=no',
      'PermitLocalCommand=no',
      'RemoteCommand=none',
      'Tunnel=no',
      'ServerAliveInterval=15',
      'ServerAliveCountMax=2',
      ...(options.version >= 807 ? ['ForkAfterAuthentication=no', 'StdinNull=no'] : []),
      // A server must not be able to write what we believe of it.
      'UpdateHostKeys=no',
      'HashKnownHosts=no',
      'CheckHostIP=no',
      'VisualHostKey=no',
      'AddKeysToAgent=no',
      ...(proxyCommand === null
        ? []
        : [`ProxyCommand=${proxyCommand}`, 'ProxyUseFdpass=no', 'CanonicalizeHostname=no']),
      'NumberOfPasswordPrompts=1',
      ...(password === null && passphrase === null ? ['BatchMode=yes'] : ['BatchMode=no']),
      ...(password === null ? [] : ['PasswordAuthentication=yes', 'KbdInteractiveAuthentication=yes', methodOrder]),
      // Then no prompt comes from the server, and what is asked for is the passphrase.
      ...(password === null && passphrase !== null
        ? ['PasswordAuthentication=no', 'KbdInteractiveAuthentication=no']
        : []),
      `StrictHostKeyChecking=${target.policy === 'strict' ? 'yes' : 'accept-new'}`,
      `UserKnownHostsFile=${[quoted(target, 'knownHosts', target.knownHosts), ...options.otherKnownHosts].join(' ')}`,
    ]),
    ...targetArguments(target),
  ];
}

/** Leaves the password out beside keys: those of config.xml, or those that ssh_config and ssh itself name. */
export function opensshBesideKeys(target: OpensshTarget): OpensshTarget {
  const { privateKey, agent, config, secrets } = target;
  const hasAgent = agent !== null && agent !== 'none';
  const hasKey = privateKey === null ? config !== 'none' : privateKey !== 'none';
  return hasAgent || hasKey ? { ...target, secrets: () => ({ ...secrets(), password: null }) } : target;
}

/** The arguments that say which client is meant and how to log in there; the last ones. */
export function targetArguments(target: OpensshTarget): string[] {
  const { host, hostName, hostKeyAlias, port, username, config, agent } = target;
  if (!/^[\w:][\w.:%-]*$/.test(host))
    throw unfit(target, `the name ${JSON.stringify(host)}`, 'ip="..." says where it is');
  const file = config === 'none' ? '/dev/null' : config === 'own' ? null : config.file;
  return [
    ...(file === null ? [] : ['-F', file]),
    ...settings([
      'ClearAllForwardings=yes',
      'ForwardAgent=no',
      'ForwardX11=no',
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

/** The arguments of a process that runs one command over a master's connection, and connects in no other way. */
export function commandArguments(socket: string, command: string): string[] {
  // Where the socket is gone, ssh would connect by itself, to a name that does not exist, through a command that fails.
  const options = ['LogLevel=QUIET', 'ControlMaster=no', 'ProxyCommand=false', 'BatchMode=yes'];
  return ['-F', '/dev/null', '-S', socket, '-T', ...settings(options), '--', 'fleet-health.invalid', command];
}

/** What ssh gets of our environment: nothing of ours, no agent that was not named, and messages in English. */
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
/** Ours: a password that was judged is not sent a second time by keyboard-interactive (openssh-prompts.ts). */
const methodOrder = 'PreferredAuthentications=gssapi-with-mic,hostbased,publickey,password,keyboard-interactive';

/** Which keys are offered: where something else is configured and no file of ssh_config is read, no default ones. */
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

/** ssh_config(5), TOKENS. */
function escaped(value: string): string {
  return value.replaceAll('%', '%%');
}

/** A path as ssh_config takes it: in quotes, which it has no way to escape in every version, and without its tokens. */
export function quoted(target: Named, attribute: string, file: string): string {
  // eslint-disable-next-line no-control-regex -- these are what must not be there.
  if (/["\\\u0000-\u001f\u007f]|\$\{/.test(file)) {
    throw unfit(target, `${attribute}=${JSON.stringify(file)}`, 'choose a path without quotes, backslashes and ${');
  }
  return `"${escaped(file)}"`;
}

/** A value without quotes: a word of harmless characters, or refused. */
export function refuseWord(target: Named, what: string, word: string): string {
  if (!/^[\w.:%@[\]-]+$/.test(word)) throw unfit(target, `${what}=${JSON.stringify(word)}`, 'choose a plain name');
  return word;
}

type Named = Pick<OpensshTarget, 'client'>;

export function unfit({ client }: Named, what: string, advice: string): FleetError {
  const message = `${client}: ${what} cannot be handed to ssh`;
  return new FleetError({ client, code: 'config-invalid', stage: 'connect', message, advice });
}
