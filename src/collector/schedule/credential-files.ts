import { statSync } from 'node:fs';

import type { Bastion, Client, Config } from '../../config/config.ts';
import { parseJumps } from '../../config/values/jumps.ts';
import { sshConfigFiles } from '../../config/settings/ssh-config-files.ts';

type Machines = Pick<Config, 'bastions' | 'clients' | 'jumpHosts'>;

/**
 * When a file that decides with what a client, or a machine of config.xml on the way to it, is logged in to was changed
 * last, milliseconds since 1970; null: there is none.
 */
export function credentialsChangedAtMs(client: Client, machines: Machines): number | null {
  const settings = [client.ssh, ...onTheWay(client, machines)];
  const files = settings.flatMap(({ privateKey, passphrase, password }) => [
    privateKey,
    passphrase?.file ?? null,
    password?.file ?? null,
  ]);
  const times = [...files, ...sshConfigFiles(client)].flatMap((file) => {
    const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? [] : [stat.mtimeMs];
  });
  return times.length === 0 ? null : Math.max(...times);
}

/** What config.xml says of the machines before a client. */
function onTheWay({ ssh: own }: Client, { bastions, clients, jumpHosts }: Machines): readonly Client['ssh'][] {
  const machineOf = (name: string): Bastion | Client | undefined =>
    bastions.find((bastion) => bastion.name === name) ?? clients.find((client) => client.name === name);
  const found = new Set<Client['ssh']>();
  let { proxyJump } = own;
  while (proxyJump !== null) {
    const way = (parseJumps(proxyJump) ?? []).map(({ host }) => machineOf(host)?.ssh ?? jumpHosts);
    const [first] = way;
    // Only the first is reached by a way of its own; one that was seen comes back to itself.
    proxyJump = first === undefined || found.has(first) ? null : first.proxyJump;
    for (const ssh of way) found.add(ssh);
  }
  return [...found];
}
