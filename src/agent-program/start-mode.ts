import { spawn } from 'node:child_process';
import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';

import { FleetError } from '../platform/errors/errors.ts';
import { secondMs } from '../platform/units.ts';
import { withStreams } from '../platform/child-process.ts';
import { shownShellWord } from '../text/shell-word.ts';

/** The descriptor on which a mode in the background reports that it runs, or why it does not. */
export const readyDescriptor = 3;
export const readyWord = 'ready';
const readyWithinMs = 20 * secondMs;
const maxComplaintChars = 4096;

/**
 * The script of the shell. The shell becomes the leader of a session without a terminal, and ends. The mode belongs to
 * that session without leading it, so that it can never get a terminal.
 */
const script = 'umask 077; cd /; "$@" &';

/** The command line that runs a mode in the foreground. */
export interface ModeCommand {
  /** The words that start the program. */
  readonly program: readonly string[];
  /** Its arguments. */
  readonly args: readonly string[];
}

/**
 * Starts a mode in the background. Resolves once the mode runs. Throws FleetError `agent-failed` with the mode's
 * message if it ends before.
 */
export async function startInBackground(mode: string, { program, args }: ModeCommand): Promise<void> {
  const command = [...program, ...args, '--in-background'];
  closeInherited();
  const child = withStreams(
    spawn('/bin/sh', ['-c', script, 'sh', ...command], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    }),
  );
  const ready = child.stdio[readyDescriptor] as Readable;
  const timer = setTimeout(() => ready.destroy(), readyWithinMs);
  let output = '';
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      ready.once('close', resolve).once('error', reject);
      ready.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, maxComplaintChars);
        if (output.trim() === readyWord) resolve();
      });
    });
  } finally {
    clearTimeout(timer);
    ready.destroy();
  }
  if (output.trim() === readyWord) return;
  const message = output.trim() === '' ? `${mode} ended before it ran, or did not begin in 20 s` : output.trim();
  const words = args.map((word) => (word.startsWith('-') ? word : shownShellWord(word)));
  const advice = `See what it says in the foreground: fleet-health-agent ${words.join(' ')}`;
  throw new FleetError({ code: 'agent-failed', stage: 'run', message, advice });
}

const closeOnExec = 0o2_000_000;

/**
 * Closes the descriptors that this process has inherited, other than stdin, stdout and stderr. Node opens each of its
 * own with O_CLOEXEC. Without /proc, Node has marked the inherited ones by itself.
 */
function closeInherited(): void {
  const dir = '/proc/self/fdinfo';
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`${dir}/${name}`, 'utf8'))?.[1] ?? '';
      if (Number(name) > 2 && (parseInt(flags, 8) & closeOnExec) === 0) closeSync(Number(name));
    } catch {
      // The descriptor of the folder itself is closed already.
    }
  }
}
