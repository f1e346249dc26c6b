/**
 * Flooding servers in a separate process, so that their own cost is not counted. Arguments: the names of their floods.
 * Prints a JSON line of PeerAddress for each, and ends with its input.
 */
import { floodingServer, type FloodName } from './floods.ts';
import { startSsh2Server } from './ssh2-server.ts';

export interface PeerAddress {
  readonly port: number;
  /** The type and the key, as at the end of a line of known_hosts. */
  readonly key: string;
}

for (const name of process.argv.slice(2)) {
  const serve = (pem: string) => floodingServer(name as FloodName | 'none', pem);
  const { port, hostKey } = await startSsh2Server({ serve });
  process.stdout.write(`${JSON.stringify({ port, key: `${hostKey.type} ${hostKey.key}` } satisfies PeerAddress)}\n`);
}
process.stdin.resume().once('end', () => process.exit(0));
