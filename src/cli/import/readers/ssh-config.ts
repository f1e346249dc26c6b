import { statSync } from 'node:fs';

import { FleetError } from '../../../platform/errors/errors.ts';
import { accountOf } from '../../../platform/account.ts';
import {
  createSshConfigReader,
  type SshConfigReader,
  type SshConfigReading,
} from '../../../transport/ssh-config/ssh-config-reader.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { createLeftKeys, type LeftKeys } from '../left-keys.ts';
import { importedRoute } from './ssh-route.ts';
import { unreadable } from '../unreadable.ts';

/** The options that become attributes, and those that concern the file alone. */
const taken: ReadonlySet<string> = new Set([
  ...['hostname', 'port', 'user', 'identityfile', 'proxyjump', 'proxycommand', 'ignoreunknown', 'tag'],
]);

/**
 * Reads an ssh_config with its includes. Returns a host for each name of a Host line that is no pattern, with the
 * settings that ssh would use. `~` is the home of the file's owner.
 */
export function readSshConfig(source: SourceText): Imported {
  const { file } = source;
  if (file === null) throw unreadable(source, 'ssh_config is read with its includes', 'Name the file.');
  const skipped: Skipped[] = [];
  const left = createLeftKeys();
  const reader = readerFor(file, skipped);
  const hosts = [...new Set(reader.load(file).hostNames)].flatMap((name): readonly ImportedHost[] => {
    const where = `Host ${name}`;
    try {
      const host = hostOf(name, reader.ask([file], { host: name, user: null, address: null }), left);
      if (typeof host !== 'string') return [host];
      skipped.push({ where, why: host });
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      skipped.push({ where, why: thrown.message });
    }
    return [];
  });
  return { hosts, skipped: [...skipped, ...left.skipped()] };
}

/** Returns a reader for the account that a file belongs to. root's files are read as those of this account. */
function readerFor(file: string, skipped: Skipped[]): SshConfigReader {
  const reader = createSshConfigReader();
  const owner = statSync(file, { throwIfNoEntry: false })?.uid ?? 0;
  if (owner === 0 || owner === process.getuid?.()) return reader;
  const account = accountOf(owner);
  if (account === null) {
    const why = `belongs to user id ${owner}, which /etc/passwd lacks: ~ and Include are taken as of this account`;
    skipped.push({ where: file, why });
    return reader;
  }
  const { name: user, home } = account;
  return createSshConfigReader({ ...reader.self, user, uid: String(owner), home });
}

/** Returns a host, or the reason why it cannot be imported. */
function hostOf(name: string, { answer, values }: SshConfigReading, left: LeftKeys): ImportedHost | string {
  const user = values.user?.value ?? null;
  const { proxyCommand, proxyJump } = values;
  const written =
    proxyCommand === null
      ? proxyJump === null
        ? null
        : ({ kind: 'jump', value: proxyJump.value } as const)
      : ({ kind: 'command', value: proxyCommand.value } as const);
  const route = importedRoute(written, user, (key) => key);
  if (typeof route === 'string') return route;
  for (const [keyword, option] of answer.first) {
    if (!taken.has(keyword)) left.leave(`option ${option.written}`, name);
  }
  for (const { written: option } of answer.all.get('certificatefile') ?? []) left.leave(`option ${option}`, name);
  if (values.identityFiles.length > 1) left.leave('option IdentityFile after the first', name);
  for (const { option, place } of answer.passedOver) {
    left.leave(option === null ? `the option at ${place}, which OpenSSH does not know` : `option ${option}`, name);
  }
  for (const { option, place } of answer.opensshOnly) {
    if (option.startsWith('Match ')) left.leave(`what follows ${option} at ${place}`, name);
  }
  for (const note of values.notes) left.leave(note, name);
  for (const option of route.others) left.leave(`option ${option} of a ProxyCommand`, name);
  const hostName = values.hostName?.value ?? null;
  return {
    ...hostNamed(name, `Host ${name}`),
    ip: hostName === name ? null : hostName,
    port: values.port === null ? null : String(values.port.value),
    username: user,
    privateKey: values.identityFiles[0]?.value ?? null,
    proxyJump: route.proxyJump,
    bastion: route.bastion,
  };
}
