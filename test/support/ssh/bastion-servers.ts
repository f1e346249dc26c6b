/** Two bastions and a client behind them, each an sshd with an account of its own. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Bastion, Client, SshSettings } from '../../../src/config/config.ts';
import { sshBastion, sshClient } from './run-shared.ts';
import { sshdOfSuite, sshKeygen, type Sshd, type SshdAccount, type SshdOptions } from './sshd.ts';
import { tempFolder } from '../temp-folder.ts';

type Own = Partial<SshSettings>;

export type BastionServers = Awaited<ReturnType<typeof startBastionServers>>;

/** Starts the servers, which are stopped after the suite. The client also accepts the password `of-the-client`. */
export async function startBastionServers(
  options: (server: 'jump' | 'second' | 'target') => SshdOptions = () => ({}),
  settings: Partial<SshSettings> = {},
) {
  const dir = tempFolder();
  /** Returns the path of the private key of `jump`, `second` or `guest`. */
  const keyOf = (name: string): string => path.join(dir, name);
  const keys = ['jump', 'second', 'guest'].map((name) => sshKeygen(keyOf(name), '-t', 'ed25519'));
  const names = ['jump', 'second', 'target'] as const;
  const servers = await Promise.all(names.map((name) => sshdOfSuite(options(name))));
  const [jump, second, target] = servers as [Sshd, Sshd, Sshd];
  const accounts = await Promise.all(
    servers.map((sshd, at) => {
      const password = sshd === target ? { password: 'of-the-client' } : {};
      return sshd.addAccount({ publicKey: keys[at]?.publicKey ?? '', ...password });
    }),
  );
  const [jumper, changer, guest] = accounts as [SshdAccount, SshdAccount, SshdAccount];
  const address = '127.0.0.1';
  let files = 0;
  /** Writes a known_hosts file with these lines. Returns its path. */
  const known = (...lines: readonly string[]): string => {
    const file = keyOf(`known_hosts.${(files += 1)}`);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    return file;
  };
  /** Returns the known_hosts line of a machine behind a bastion. It has the machine's name, whatever the address. */
  const nameLine = (name: string, server: Sshd, shown = server): string =>
    `[${name}]:${server.port} ${shown.hostKeys[0]?.line ?? ''}`;
  const knownHosts = known(jump.hostKeyLine(), nameLine('ber', second), nameLine('web-1', target));
  const login = ({ name: username }: SshdAccount, key: string) => ({ username, privateKey: keyOf(key), knownHosts });
  return {
    ...{ dir, jump, second, target, jumper, changer, guest, keyOf, known, nameLine },
    /** Returns the bastion that is dialled directly. */
    fra: (own?: Own, more?: Partial<Bastion>) =>
      sshBastion('fra', { ...login(jumper, 'jump'), ...own }, { address, port: jump.port, ...more }),
    /** Returns the bastion behind `fra`. */
    ber: (own?: Own, more?: Partial<Bastion>) => {
      const settings = { ...login(changer, 'second'), proxyJump: 'fra', ...own };
      return sshBastion('ber', settings, { address, port: second.port, ...more });
    },
    /** Returns the client behind `fra`. */
    web: (own?: Own, more?: Partial<Client>) => {
      const ownSettings = { ...login(guest, 'guest'), proxyJump: 'fra', ...settings, ...own };
      return sshClient('web-1', ownSettings, { address, port: target.port, ...more });
    },
  };
}
