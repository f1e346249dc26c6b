/** The answers of this program and of `ssh -G` about the same ssh_config file, in the same words. */
import { spawnSync } from 'node:child_process';
import { hostname, userInfo } from 'node:os';

import { parseJumps } from '../../../../src/config/values/jumps.ts';
import { askSshConfig } from '../../../../src/transport/ssh-config/ssh-config.ts';
import { loadSshConfig, type SshConfigFile } from '../../../../src/transport/ssh-config/ssh-config-file.ts';
import { sshConfigValues } from '../../../../src/transport/ssh-config/ssh-config-values.ts';

export const { username, uid, homedir } = userInfo();
const environment: NodeJS.ProcessEnv = { ...process.env, FH_TEST_WORD: 'word' };
export const self = { user: username, uid: String(uid), home: homedir, hostname: hostname(), environment };

export const load = (file: string): SshConfigFile => loadSshConfig(file, self);

export function ask(file: string, target: string) {
  const at = target.lastIndexOf('@');
  const user = at === -1 ? null : target.slice(0, at);
  const question = { host: target.slice(at + 1), user, address: null, self };
  const answer = askSshConfig([load(file)], question);
  return { answer, values: sshConfigValues(answer, question), user, host: question.host };
}

/** Returns the output of `ssh -G` by option. Returns `null` if ssh refuses the file. */
export function sshSays(file: string, target: string, ssh = 'ssh'): ReadonlyMap<string, readonly string[]> | null {
  const options = { encoding: 'utf8', env: environment } as const;
  const { status, stdout } = spawnSync(ssh, ['-G', '-F', file, '--', target], options);
  if (status !== 0) return null;
  const said = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    said.set(keyword, [...(said.get(keyword) ?? []), value]);
  }
  return said;
}

/** Returns an answer in the format of `ssh -G`. */
export function inWordsOfSsh({ answer, values, user, host }: ReturnType<typeof ask>): Record<string, unknown> {
  const strict = answer.first.get('stricthostkeychecking')?.args[0] ?? 'ask';
  type Files = 'identityfile' | 'certificatefile';
  const raw = (option: Files): unknown => answer.all.get(option)?.map(({ args }) => args[0]) ?? null;
  const { connectTimeoutMs, identityAgent, family, proxyJump } = values;
  const timeout = answer.first.get('connecttimeout')?.args[0];
  return {
    hostname: values.hostName?.value ?? host.toLowerCase(),
    user: user ?? values.user?.value ?? username,
    port: String(values.port?.value ?? 22),
    identityfile: raw('identityfile'),
    certificatefile: raw('certificatefile'),
    identitiesonly: values.identitiesOnly?.value === true ? 'yes' : 'no',
    identityagent: identityAgent?.value ?? null,
    proxyjump: proxyJump === null || proxyJump.value === 'none' ? null : parseJumps(proxyJump.value),
    proxycommand: values.proxyCommand?.value ?? null,
    userknownhostsfile: filesOf(values.userKnownHosts?.value),
    globalknownhostsfile: filesOf(values.globalKnownHosts?.value),
    hostkeyalias: values.hostKeyAlias?.value ?? null,
    connecttimeout: timeout === '0' ? '0' : connectTimeoutMs === null ? 'none' : String(connectTimeoutMs.value / 1000),
    addressfamily: { 0: 'any', 4: 'inet', 6: 'inet6' }[family?.value ?? 0],
    stricthostkeychecking: { yes: 'true', no: 'false', off: 'false' }[strict] ?? strict,
  };
}

function filesOf(files: readonly string[] | undefined): string | null {
  return files === undefined ? null : files.map((file) => file.replace(`${process.cwd()}/`, '')).join(' ') || 'none';
}

const defaults: Readonly<Record<string, string>> = {
  userknownhostsfile: `${homedir}/.ssh/known_hosts ${homedir}/.ssh/known_hosts2`,
  globalknownhostsfile: '/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2',
};

export function ofSsh(said: ReadonlyMap<string, readonly string[]>): Record<string, unknown> {
  const one = (option: string): string | null => {
    const value = said.get(option)?.[0] ?? null;
    return value === defaults[option] ? null : value;
  };
  const identities = said.get('identityfile') ?? [];
  return {
    hostname: one('hostname'),
    user: one('user'),
    port: one('port'),
    identityfile: identities.includes('~/.ssh/id_xmss') || identities.includes('~/.ssh/id_dsa') ? null : identities,
    certificatefile: said.get('certificatefile') ?? null,
    identitiesonly: one('identitiesonly'),
    identityagent: one('identityagent'),
    proxyjump: one('proxyjump') === null || one('proxyjump') === 'none' ? null : parseJumps(one('proxyjump') ?? ''),
    proxycommand: one('proxycommand') === 'none' ? null : one('proxycommand'),
    userknownhostsfile: one('userknownhostsfile'),
    globalknownhostsfile: one('globalknownhostsfile'),
    hostkeyalias: one('hostkeyalias'),
    connecttimeout: one('connecttimeout'),
    addressfamily: one('addressfamily'),
    stricthostkeychecking: one('stricthostkeychecking'),
  };
}
