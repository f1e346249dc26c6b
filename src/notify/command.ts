import { spawn, type ChildProcess } from 'node:child_process';

import type { NotifyConfig } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';
import { signalGroup } from '../platform/kill-group.ts';
import { commandEnvironment } from '../platform/run-command.ts';
import type { Channel, OutgoingMail, SendOptions } from './notify.ts';
import { TooLong, within } from './within.ts';

/** EX_TEMPFAIL of sysexits(3): the mail is retried. */
const tempFail = 75;
const maxStderrChars = 300;
/** The most alerts in the environment. Linux allows 128 KiB per variable (execve(2)). */
const mostAlerts = 1_000;
/** The wait for stderr after the exit: a process that the command left running may hold it open. */
const lastWordsMs = 500;

/**
 * Passes mails to a program of the user: the mail on stdin, as it would be sent, and `factsFor` in the environment. The
 * exit status follows sysexits(3): 0 accepts the mail, 75 asks for a retry, any other refuses it permanently. The
 * program is started without a shell and without arguments. At the deadline it is killed with its children, and the
 * mail is retried.
 */
export function createCommandChannel({ command, timeoutMs }: Pick<NotifyConfig, 'command' | 'timeoutMs'>): Channel {
  return {
    name: command,
    timeoutMs,
    answerTimeoutMs: timeoutMs,
    send: (mail, options) => run(command, timeoutMs, mail, options),
    close: () => undefined,
  };
}

async function run(command: string, timeoutMs: number, mail: OutgoingMail, options: SendOptions): Promise<void> {
  const { signal } = options;
  signal.throwIfAborted();
  await options.onDataBegun();
  signal.throwIfAborted();
  const child = start(command, mail);
  try {
    // A process that an ended command left running may hold the output open.
    const giveUp = (): void => void signalGroup(child, 'SIGKILL');
    const { status, killedBy, stderr } = await within({ timeoutMs, signal }, giveUp, (clock) => {
      clock.now('it runs');
      return outcomeOf(child, command, mail.content);
    });
    if (status === 0) return;
    const words = stderr === '' ? '' : `: ${stderr}`;
    if (status === null) throw fault('mail-unavailable', command, `ended by ${killedBy ?? 'a signal'}${words}`);
    throw fault(status === tempFail ? 'mail-unavailable' : 'mail-refused', command, `exit status ${status}${words}`);
  } catch (thrown) {
    if (thrown instanceof TooLong) {
      throw fault('mail-unavailable', command, `did not end within ${timeoutMs / 1000} s`);
    }
    throw thrown;
  }
}

function start(command: string, mail: OutgoingMail): ChildProcess {
  try {
    return spawn(command, [], {
      // A process group of its own, so that the deadline also ends processes that the command started.
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...commandEnvironment(), ...factsFor(command, mail) },
    });
  } catch (thrown) {
    throw notStarted(command, thrown);
  }
}

/**
 * Returns facts for a command that does not read the mail. FLEET_HEALTH_RECIPIENT is the command from config.xml.
 * FLEET_HEALTH_ALERTS has a line `ID STATE SEVERITY` for each of the first alerts; the mail's headers have all of them.
 */
function factsFor(command: string, { content, severity, messageId }: OutgoingMail): Readonly<Record<string, string>> {
  const head = content.slice(0, content.indexOf('\r\n\r\n'));
  const headers = (name: string): readonly string[] =>
    [...head.matchAll(/^X-Fleet-Health-(\w+): (.*?)\r?$/gm)].flatMap(([, key, value = '']) =>
      key === name ? value : [],
    );
  return {
    FLEET_HEALTH_RECIPIENT: command,
    FLEET_HEALTH_STATE: headers('State')[0] ?? 'firing',
    FLEET_HEALTH_SEVERITY: headers('Severity')[0] ?? severity,
    FLEET_HEALTH_ALERTS: headers('Alert').slice(0, mostAlerts).join('\n'),
    FLEET_HEALTH_MESSAGE_ID: messageId,
  };
}

interface Outcome {
  /** The exit status; null if a signal ended the command. */
  readonly status: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly stderr: string;
}

function outcomeOf(child: ChildProcess, command: string, content: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < maxStderrChars) stderr = (stderr + text).slice(0, maxStderrChars);
    });
    const done = (status: number | null, killedBy: NodeJS.Signals | null): void => {
      child.stderr?.destroy();
      resolve({ status, killedBy, stderr: stderr.replace(/[\s\p{C}]+/gu, ' ').trim() });
    };
    child.once('error', (error) => reject(notStarted(command, error)));
    child.once('close', done);
    child.once('exit', (status, killedBy) => {
      const timer = setTimeout(() => done(status, killedBy), lastWordsMs);
      child.once('close', () => clearTimeout(timer));
    });
    // For a command that ends before it has read everything, only the status counts.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(content);
  });
}

function fault(code: 'mail-refused' | 'mail-unavailable', command: string, what: string): FleetError {
  const advice = 'Run the command of <notify> by hand with a mail on stdin.';
  return new FleetError({ code, stage: 'mail', message: `${command}: ${what}`, advice });
}

/** Returns the fault of a command that cannot be started. All mails of the command wait until it can. */
function notStarted(command: string, thrown: unknown): FleetError {
  const { code } = thrown as { readonly code?: unknown };
  const why = code === 'ENOENT' ? 'there is no such program' : code === 'EACCES' ? 'may not be run' : messageOf(thrown);
  return new FleetError({
    code: 'mail-unavailable',
    stage: 'config',
    message: `${command}: ${why}`,
    advice: 'Check the path and mode of <notify command>, and its first line.',
  });
}
