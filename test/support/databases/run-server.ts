/**
 * The database server of a whole run of tests: prints where it is, as `SharedServer` in JSON, and ends when its
 * standard input does. test/run-files.mjs starts it when the first file asks for it.
 */
import { once } from 'node:events';

import { startMariadb } from './mariadb.ts';

const server = await startMariadb();
const { port, socketPath, publicKeyFile } = server;
process.stdout.write(JSON.stringify({ port, socketPath, publicKeyFile }));
process.stdin.resume();
await once(process.stdin, 'end');
await server.stop();
process.exit();
