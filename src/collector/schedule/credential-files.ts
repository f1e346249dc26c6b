import { statSync } from 'node:fs';

import { greatest } from '../../platform/group-by.ts';
import type { Bastion, Client, Config } from '../../config/config.ts';
import { parseJumps } from '../../config/values/jumps.ts';
import { sshConfigFiles } from '../../config/settings/ssh-config-files.ts';

type Machines = Pick<Config, 'bastions' | 'clients' | 'jumpHosts'>;

/**
 * Returns the time of the last change of the files that hold credentials for a client or for a bastion before it,
 * milliseconds since 1970; null if there are none.
 */
export function credentialsChangedAtMs(client: Client, machines: Machines): number | null {
  const settings = [client.ssh, ...bastionsOf(client, machines)];
  const files = settings.flatMap(({ privateKey, passphrase, password }) => [
    privateKey,
    passphrase?.file ?? null,
    password?.file ?? null,
  ]);
  const times = [...files, ...sshConfigFiles(client)].flatMap((file) => {
    const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? [] : [stat.mtimeMs];
  });
  return times.length === 0 ? null : greatest(times);
}

/** Returns the settings in config.xml of the bastions before a client. */
function bastionsOf({ ssh: own }: Client, { bastions, clients, jumpHosts }: Machines): readonly Client['ssh'][] {
  const machineOf = (name: string): Bastion | Client | undefined =>
    bastions.find((bastion) => bastion.name === name) ?? clients.find((client) => client.name === name);
  const found = new Set<Client['ssh']>();
  let { proxyJump } = own;
  while (proxyJump !== null) {
    const jumps = (parseJumps(proxyJump) ?? []).map(({ host }) => machineOf(host)?.ssh ?? jumpHosts);
    const [first] = jumps;
    // Only the first machine has bastions of its own. A bastion that was seen before would make a cycle.
    proxyJump = first === undefined || found.has(first) ? null : first.proxyJump;
    for (const ssh of jumps) found.add(ssh);
  }
  return [...found];
}
