import { groupBy } from '../../platform/group-by.ts';
import type { Client, Finding } from '../config.ts';
import { usesSsh } from './arrival.ts';

/**
 * Warns of a login password that several clients get, or that is written beside a key. A client with a hostile root
 * learns the password.
 */
export function passwordWarnings(clients: readonly Client[]): readonly Finding[] {
  const users = clients.filter(
    (client) => client.state !== 'retired' && client.ssh.password !== null && usesSsh(client),
  );
  return [...groupBy(users, ({ ssh }) => ssh.password).values()].flatMap((own) => {
    const shared = `one password serves ${own.length} clients, "${own[0]?.name ?? ''}" among them`;
    const keyed = own.find(({ ssh }) => ssh.privateKey !== null || ssh.agent !== null);
    const beside =
      'until it has taken the key once, root there can refuse the key and read the password; write password="none"';
    return [
      ...warning(own.length > 1 ? own[0] : undefined, `${shared}: root on any of them can read it; use keys`),
      ...warning(keyed, `client "${keyed?.name ?? ''}" has a password beside a key: ${beside}`),
    ];
  });
}

function warning(client: Client | undefined, message: string): readonly Finding[] {
  return client === undefined ? [] : [{ file: client.file, line: client.line, message }];
}
