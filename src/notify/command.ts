import type { NotifyConfig } from '../config/config.ts';
import { FleetError, messageOf, type FleetErrorOptions } from '../platform/errors/errors.ts';
import { commandEnvironment, runCommand } from '../platform/run-command.ts';
import { TryLater, type Channel, type OutgoingMail, type SendOptions } from './notify.ts';

/** EX_TEMPFAIL of sysexits(3): the mail is retried. */
const tempFail = 75;
const maxStderrChars = 300;
/** The most alerts in the environment. Linux allows 128 KiB per variable (execve(2)). */
const maxAlerts = 1_000;

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
  const outcome = await runCommand({
    command,
    env: { ...commandEnvironment(), ...factsFor(command, mail) },
    input: mail.content,
    stdout: 'ignore',
    timeoutMs,
    signal,
    maxOutput: maxStderrChars,
  }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw notStarted(command, thrown);
  });
  const { status, killedBy, isLate } = outcome;
  if (isLate) throw new FleetError(fault('mail-unavailable', command, `did not end within ${timeoutMs / 1000} s`));
  if (status === 0) return;
  const stderr = outcome.stderr.replace(/[\s\p{C}]+/gu, ' ').trim();
  const words = stderr === '' ? '' : `: ${stderr}`;
  if (status === null)
    throw new FleetError(fault('mail-unavailable', command, `ended by ${killedBy ?? 'a signal'}${words}`));
  const said = `exit status ${status}${words}`;
  if (status === tempFail) throw new TryLater(fault('mail-unavailable', command, said));
  throw new FleetError(fault('mail-refused', command, said));
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
    FLEET_HEALTH_ALERTS: headers('Alert').slice(0, maxAlerts).join('\n'),
    FLEET_HEALTH_MESSAGE_ID: messageId,
  };
}

function fault(code: 'mail-refused' | 'mail-unavailable', command: string, what: string): FleetErrorOptions {
  const advice = 'Run the command of <notify> by hand with a mail on stdin.';
  return { code, stage: 'mail', message: `${command}: ${what}`, advice };
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
