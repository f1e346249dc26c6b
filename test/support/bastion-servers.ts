/** Two bastions and a client behind them, each an sshd with an account of its own. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Bastion, Client, SshSettings } from '../../src/config/config.ts';
import { sshBastion, sshClient } from './run-shared.ts';
import { sshdOfSuite, sshKeygen, type Sshd, type SshdAccount, type SshdOptions } from './sshd.ts';
import { tempFolder } from './temp-folder.ts';

export interface BastionServers {
  readonly dir: string;
  readonly jump: Sshd;
  readonly second: Sshd;
  readonly target: Sshd;
  readonly jumper: SshdAccount;
  readonly changer: SshdAccount;
  readonly guest: SshdAccount;
  /** The private key of `jump`, `second` or `guest`. */
  readonly keyOf: (name: string) => string;
  /** A known_hosts file with these lines. */
  readonly known: (...lines: readonly string[]) => string;
  /** The line of known_hosts of a machine behind a bastion: it is known by its name, whatever its address. */
  readonly nameLine: (name: string, server: Sshd, keyOf?: Sshd) => string;
  /** The bastion that is dialled directly. */
  readonly fra: (own?: Partial<SshSettings>, more?: Partial<Bastion>) => Bastion;
  /** The bastion behind `fra`. */
  readonly ber: (own?: Partial<SshSettings>, more?: Partial<Bastion>) => Bastion;
  /** The client behind `fra`. */
  readonly web: (own?: Partial<SshSettings>, more?: Partial<Client>) => Client;
}

/** Starts the servers, which are stopped after the suite. The client also takes the password `of-the-client`. */
export async function startBastionServers(
  options: (server: 'jump' | 'second' | 'target') => SshdOptions = () => ({}),
  settings: Partial<SshSettings> = {},
): Promise<BastionServers> {
  const dir = tempFolder();
  const keyOf = (name: string): string => path.join(dir, name);
  const keys = ['jump', 'second', 'guest'].map((name) => sshKeygen(keyOf(name), '-t', 'ed25519'));
  const names = ['jump', 'second', 'target'] as const;
  const [jump, second, target] = (await Promise.all(names.map((name) => sshdOfSuite(options(name))))) as [
    Sshd,
    Sshd,
    Sshd,
  ];
  const [jumper, changer, guest] = (await Promise.all(
    [jump, second, target].map((sshd, at) =>
      sshd.addAccount({
        publicKey: keys[at]?.publicKey ?? '',
        ...(sshd === target ? { password: 'of-the-client' } : {}),
      }),
    ),
  )) as [SshdAccount, SshdAccount, SshdAccount];
  const address = '127.0.0.1';
  let files = 0;
  const known: BastionServers['known'] = (...lines) => {
    const file = keyOf(`known_hosts.${(files += 1)}`);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    return file;
  };
  const nameLine: BastionServers['nameLine'] = (name, server, shown = server) =>
    `[${name}]:${server.port} ${shown.hostKeys[0]?.line ?? ''}`;
  const knownHosts = known(jump.hostKeyLine(), nameLine('ber', second), nameLine('web-1', target));
  const login = ({ name: username }: SshdAccount, key: string) => ({ username, privateKey: keyOf(key), knownHosts });
  return {
    ...{ dir, jump, second, target, jumper, changer, guest, keyOf, known, nameLine },
    fra: (own, more) => sshBastion('fra', { ...login(jumper, 'jump'), ...own }, { address, port: jump.port, ...more }),
    ber: (own, more) =>
      sshBastion(
        'ber',
        { ...login(changer, 'second'), proxyJump: 'fra', ...own },
        { address, port: second.port, ...more },
      ),
    web: (own, more) =>
      sshClient(
        'web-1',
        { ...login(guest, 'guest'), proxyJump: 'fra', ...settings, ...own },
        { address, port: target.port, ...more },
      ),
  };
}
