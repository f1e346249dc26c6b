/** Calls runningMode for `push` in the folder of the first argument, again and again until stdin ends. */
import { setImmediate as pause } from 'node:timers/promises';

import { runningMode } from '../../../src/agent-program/control.ts';

process.stdin.resume();
process.stdout.write('looking\n');
while (!process.stdin.readableEnded) {
  if ((await runningMode(process.argv[2] ?? '', 'push')) !== null) process.exitCode = 1;
  await pause();
}
