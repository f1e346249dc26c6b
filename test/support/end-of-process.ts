import { after } from 'node:test';

const ends: (() => Promise<void>)[] = [];
// Imported before any suite begins, this is a hook of the whole process and not of the suite that is open.
after(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Ends a server after the last test of the process: files that share the process use the same one. */
export function endWithProcess(end: () => Promise<void>): void {
  ends.push(end);
}

/** Returns how many servers run until the end of the process. */
export function serversOfProcess(): number {
  return ends.length;
}
