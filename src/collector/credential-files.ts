import { statSync } from 'node:fs';

import type { Client } from '../config/config.ts';
import { sshConfigFiles } from '../config/ssh-config-files.ts';

/** When a file that decides with what a client is logged in to was changed last, milliseconds since 1970; null: none. */
export function credentialsChangedAtMs(client: Client): number | null {
  const { privateKey, passphrase, password } = client.ssh;
  const files = [privateKey, passphrase?.file ?? null, password?.file ?? null, ...sshConfigFiles(client)];
  const times = files.flatMap((file) => {
    const stat = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? [] : [stat.mtimeMs];
  });
  return times.length === 0 ? null : Math.max(...times);
}
