import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { runProgram } from '../../collector/runtimes/run-program.ts';
import { FleetError, messageOf } from '../../errors.ts';
import type { ImportKind } from '../../import/import-kinds.ts';
import type { SourceText } from '../../import/imported.ts';
import { oneLine } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { minuteMs } from '../../platform/units.ts';

const maxBytes = 256 * 1024 * 1024;

/**
 * Reads a list of machines: a file, or standard input. An Ansible inventory that is no JSON is read by
 * `ansible-inventory`. Throws FleetError `import-unreadable`.
 */
export async function readList(kind: ImportKind, given: string | null, signal: AbortSignal): Promise<SourceText> {
  const file = given === null || given === '-' ? null : path.resolve(given);
  if (kind === 'ansible' && file !== null && !file.endsWith('.json')) {
    return { file, text: await askAnsible(file, signal) };
  }
  return { file, text: file === null ? await readInput(signal) : readFile(file) };
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw unreadable(`${file} cannot be read: ${messageOf(thrown)}`, thrown);
  }
}

async function readInput(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stop = (): void => void process.stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw unreadable('standard input has more than 256 MiB');
    chunks.push(chunk);
  }
  signal.throwIfAborted();
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads an inventory with ansible-inventory, which describes faults itself. The output goes to a file: a pipe would cut
 * a list of many thousand machines.
 */
async function askAnsible(file: string, signal: AbortSignal): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-health-import-'));
  const listed = path.join(folder, 'inventory.json');
  const stdout = openSync(listed, 'wx', 0o600);
  try {
    const args = ['--list', '-i', file];
    const { outcome, status, stderr } = await runProgram({
      ...{ program: 'ansible-inventory', args, stdout, signal, timeoutMs: 10 * minuteMs },
    });
    if (outcome === 'missing') {
      const advice = 'Run `ansible-inventory --list` where Ansible is, and give its output as FILE.json or on -.';
      throw unreadable('ansible-inventory is not installed here', undefined, advice);
    }
    if (outcome !== 'ended' || status !== 0) {
      throw unreadable(`ansible-inventory -i ${file} failed: ${cut(oneLine(stderr), 300)}`);
    }
    return readFileSync(listed, 'utf8');
  } finally {
    closeSync(stdout);
    rmSync(folder, { recursive: true, force: true });
  }
}

function unreadable(message: string, cause?: unknown, advice?: string): FleetError {
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message, cause, advice });
}
