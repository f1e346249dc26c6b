/** Clients in a process of their own, for bench/neighbours.ts. Prints JSON of PeerAddress, and ends with its input. */
import type { PeerAddress } from '../test/support/ssh/flooding-peers.ts';
import { startReportServer } from '../test/support/fleets/report-server.ts';
import { account } from '../test/support/fleets/ssh-fleet.ts';

const { port, hostKey } = await startReportServer(account);
process.stdout.write(`${JSON.stringify({ port, key: `${hostKey.type} ${hostKey.key}` } satisfies PeerAddress)}\n`);
process.stdin.resume().once('end', () => process.exit(0));
