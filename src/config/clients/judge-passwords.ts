import type { Client, Finding } from '../config.ts';

/**
 * Warns of a login password that several clients get, or that stands beside a key: a client whose root is hostile has
 * it.
 */
export function passwordWarnings(clients: readonly Client[]): readonly Finding[] {
  const users = new Map<object, Client[]>();
  for (const client of clients) {
    const { password } = client.ssh;
    if (client.state === 'retired' || password === null || client.ssh.transport === 'local') continue;
    const known = users.get(password);
    if (known === undefined) users.set(password, [client]);
    else known.push(client);
  }
  return [...users.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const keyed = own.find(({ ssh }) => ssh.privateKey !== null || ssh.agent !== null);
    const at = { file: first.file, line: first.line };
    return [
      ...(own.length > 1
        ? [
            {
              ...at,
              message: `one password serves ${own.length} clients, "${first.name}" among them: root on any of them can read it; use keys`,
            },
          ]
        : []),
      ...(keyed === undefined
        ? []
        : [
            {
              file: keyed.file,
              line: keyed.line,
              message: `client "${keyed.name}" has a password beside a key: until it has taken the key once, root there can refuse the key and read the password; write password="none"`,
            },
          ]),
    ];
  });
}
