/**
 * Takes the lock named by the first argument, reports that on stdout, and holds it until it is killed or stdin ends.
 */
import { takeLock } from '../../../src/state-folder/lock.ts';

const attempt = await takeLock({ file: process.argv[2] ?? '', nowMs: Number(process.argv[3] ?? '0') });
process.stdout.write(`${JSON.stringify(attempt)}\n`);
if (attempt.kind === 'held') {
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}
