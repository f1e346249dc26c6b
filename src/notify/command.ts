import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

import { FleetError, messageOf } from '../errors.ts';
import type { Notifier, OutgoingMail, SendOptions } from './notify.ts';

/** sysexits(3): the one status that means "try again". */
const tempFail = 75;
const maxErrorBytes = 2_000;

/**
 * A program of somebody's own: the mail on stdin, FLEET_HEALTH_RECIPIENT, FLEET_HEALTH_SEVERITY and
 * FLEET_HEALTH_MESSAGE_ID in its environment. Its exit status is read as sysexits(3) has it: 0 taken, 75 try again,
 * anything else refused for good. It is started without a shell and killed, with what it started, at the deadline.
 */
export function createCommandNotifier(command: string): Notifier {
  return {
    send: (mail, options) => run(command, mail, options),
    close: () => undefined,
  };
}

async function run(command: string, mail: OutgoingMail, options: SendOptions): Promise<void> {
  const { signal, timeoutMs } = options;
  signal.throwIfAborted();
  await options.onDataBegun();
  const child = spawn(command, [], {
    // A group of its own, so that the deadline ends what the command started too.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      ...(process.env['HOME'] === undefined ? {} : { HOME: process.env['HOME'] }),
      FLEET_HEALTH_RECIPIENT: mail.recipient,
      FLEET_HEALTH_SEVERITY: mail.severity,
      FLEET_HEALTH_MESSAGE_ID: mail.messageId,
    },
  });
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, deadline]);
  const onAbort = (): void => killGroup(child);
  either.addEventListener('abort', onAbort, { once: true });
  try {
    const { status, said } = await outcomeOf(child, mail.content, either);
    signal.throwIfAborted();
    if (deadline.aborted) throw fault('mail-unavailable', command, `no end within ${timeoutMs / 1000} s`);
    if (status === 0) return;
    const words = said === '' ? '' : `: ${said}`;
    if (status === tempFail || status === null) {
      throw fault('mail-unavailable', command, `${status === null ? 'killed' : `exit status ${status}`}${words}`);
    }
    throw fault('mail-refused', command, `exit status ${status}${words}`);
  } finally {
    either.removeEventListener('abort', onAbort);
  }
}

function outcomeOf(
  child: ChildProcess,
  content: string,
  signal: AbortSignal,
): Promise<{ readonly status: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < maxErrorBytes) said = (said + text).slice(0, maxErrorBytes);
    });
    const done = (status: number | null): void => resolve({ status, said: said.replace(/\s+/g, ' ').trim() });
    child.once('error', (error) => reject(fault('mail-unavailable', 'command', messageOf(error), error)));
    child.once('close', done);
    // What the command started may hold stderr open after it was killed itself.
    child.once('exit', (status) => {
      if (signal.aborted) done(status);
    });
    // A command that ends without reading everything is judged by its status alone.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(content);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function fault(code: 'mail-refused' | 'mail-unavailable', command: string, what: string, cause?: unknown): FleetError {
  return new FleetError({ code, stage: 'mail', message: `${command}: ${what}`, cause });
}
