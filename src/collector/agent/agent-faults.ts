import { FleetError, type ErrorCode, type Stage } from '../../platform/errors/errors.ts';
import { findLauncherWords, launcherLine, launcherStatus, noAwk } from '../../transport/loader/launcher.ts';
import { loaderStatus, oldestNode } from '../../transport/loader/loader.ts';
import { cutBefore } from '../../text/cut-before.ts';
import type { Exchange } from './agent-exchange.ts';

const maxQuotedChars = 300;
const waitingShell =
  'Check the login shell and ForceCommand: a menu may wait there for input. Or check the load of the client.';
/** The words of sshd and PAM for a password that has expired, also at a login by key. */
const expired = /password (?:has )?expired|password change required|required to change your password/i;
const expiredAdvice = 'Give the account on the client a new password, or none that expires: chage -M -1 NAME.';

/** The words of a shell whose PATH has no programs of the system. Each of them has id. */
const withoutPrograms = /\bid: (?:command )?not found/;
const pathAdvice =
  'Put /usr/bin and /bin into the PATH of this login: a file such as .bashrc, .zshenv or ~/.ssh/environment, or ' +
  'SetEnv of sshd, sets another one.';

/** Returns the fault of an exec without the agent's last frame. */
export function exchangeFault(
  ended: Exchange,
  { client, agentTimeoutMs }: { readonly client: string; readonly agentTimeoutMs: number },
): FleetError {
  const fault = (code: ErrorCode, stage: Stage, message: string, advice?: string): FleetError =>
    new FleetError({ code, stage, client, message: `${client}: ${message}`, advice });
  const seconds = `${agentTimeoutMs / 1000} s`;
  const words = quoted(ended.complained) || quoted(withoutSign(ended.printed));
  const because = words === '' ? '' : `: ${words}`;

  if (ended.timedOut) {
    if (ended.sign === null) {
      return fault('agent-timeout', 'agent', `/bin/sh did not start within ${seconds}${because}`, waitingShell);
    }
    if (ended.unsentBytes > 0) return fault('upload-failed', 'upload', `the agent did not get there within ${seconds}`);
    const what = ended.started ? 'the agent did not end' : 'the agent sent nothing';
    return fault('agent-timeout', 'agent', `${what} within ${seconds}${because}`);
  }
  const restricted = restrictedKeyFault(ended, client, quoted(ended.complained.replace(launcherLine, '')));
  if (restricted !== null) return restricted;
  if (ended.sign === null) {
    const how = ended.status === null ? '' : ` (status ${ended.status})`;
    const advice = expired.test(words) ? expiredAdvice : undefined;
    return fault('no-shell', 'agent', `the login shell did not run /bin/sh${how}${because}`, advice);
  }
  if (!ended.started && ended.status === loaderStatus.noRuntime) {
    const advice = withoutPrograms.test(ended.complained) ? pathAdvice : undefined;
    return fault('no-runtime', 'agent', `no Node.js ${oldestNode} or newer was found${because}`, advice);
  }
  if (!ended.started && ended.status === loaderStatus.uploadDamaged) {
    return fault('upload-failed', 'upload', 'the agent did not arrive as it was sent');
  }
  if (ended.killed) {
    return fault('agent-timeout', 'agent', `the agent was killed, at its deadline or for want of memory${because}`);
  }
  const how =
    ended.status === null
      ? ended.signal === null
        ? 'no exit status'
        : `signal ${ended.signal}`
      : `status ${ended.status}`;
  const when = ended.started ? 'in the middle of its answer' : 'before its first word';
  return fault('agent-failed', 'agent', `the agent ended ${when} (${how})${because}`);
}

/** Formats a client's text for a message: one line without control characters, truncated. */
export function printable(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd\s]+/gu, ' ').trim();
  if (line.length <= maxQuotedChars) return line;
  return `${cutBefore(line, maxQuotedChars)}…`;
}

function quoted(text: string): string {
  const line = printable(text);
  return line === '' ? '' : JSON.stringify(line);
}

/**
 * Returns the fault of a launcher that did not run its agent, or null if no launcher reported. `complaints` is the rest
 * of stderr.
 */
function restrictedKeyFault(ended: Exchange, client: string, complaints: string): FleetError | null {
  const words = ended.started ? null : findLauncherWords(ended.complained);
  if (words === null) return null;
  const fault = (code: 'no-runtime' | 'restricted-key', message: string, advice: string): FleetError =>
    new FleetError({ code, stage: 'agent', client, message: `${client}: ${message}`, advice });
  const authorize = `fleet-health authorize ${client}`;
  switch (ended.status) {
    case launcherStatus.noRuntime:
      if (words.reason === noAwk) {
        return fault('no-runtime', 'the restricted key found no awk for the shell agent', 'Install awk.');
      }
      return fault(
        'no-runtime',
        `the restricted key found no Node.js${complaints === '' ? '' : `: ${complaints}`}`,
        `Install it, or name it with node="PATH" and run ${authorize}; \`${authorize} --agent shell\` needs none.`,
      );
    case launcherStatus.agentAbsent:
      return fault(
        'restricted-key',
        `agent ${shown(words.digest)}, which the restricted key is made for, is not on the client or was changed`,
        `Install what \`${authorize} --script\` prints.`,
      );
    case launcherStatus.refused:
      return fault(
        'restricted-key',
        `the restricted key runs nothing but agent ${shown(words.digest)}`,
        `For another agent run \`${authorize} --script\`; for anything else use another key.`,
      );
    case launcherStatus.otherVersion:
      return fault(
        'restricted-key',
        `agent ${shown(words.digest)} of the restricted key speaks another version of the protocol`,
        `Install what \`${authorize} --script\` prints.`,
      );
    default:
      return null;
  }
}

function shown(digest: string): string {
  return digest.slice(0, 12);
}

/** Removes the loader's own lines, which do not describe a fault. */
function withoutSign(printed: string): string {
  return printed.replace(/^fh-[\w-]+-loader-\d*$/gm, '');
}
