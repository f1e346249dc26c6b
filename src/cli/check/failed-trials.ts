import { groupBy } from '../../platform/group-by.ts';
import { connectFaultWords } from '../../platform/errors/connect-fault-words.ts';
import type { ErrorCode } from '../../platform/errors/errors.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import { withoutStop, withSubject } from '../../text/plain-text.ts';
import { shellWord } from '../../text/shell-word.ts';
import type { Trial } from './try-connections.ts';

/** The least number of clients with the same fault that share a line. */
const manyClients = 4;
const namedClients = 5;

type FailedTrial = Pick<Trial, 'what'> & { readonly fault: Fault };

/** The faults that an installed key removes. For others, the route shows where address, port and login come from. */
const installsKey: ReadonlySet<ErrorCode> = new Set(['auth-failed', 'restricted-key']);

/** Returns a line that names the clients which transport="auto" visits by ssh; nothing if there is none. */
export function byOpensshLines(trials: readonly Trial[]): readonly string[] {
  const names = trials.flatMap(({ what, isByOpenssh = false }) => (isByOpenssh ? what : []));
  if (names.length === 0) return [];
  return [
    `visited by ssh, as their servers share no algorithm with the built-in client: ${namedUpTo(namedClients, names)}`,
  ];
}

/**
 * Returns a line for each failed trial, without `failed: `. Many clients with the same fault share a line, which comes
 * before the others. Clients with unknown host keys share one too, although each shows another key.
 */
export function failedLines(trials: readonly Trial[]): readonly string[] {
  const failed = trials.flatMap(({ what, kind, fault }) => (fault === null ? [] : { what, kind, fault }));
  const alike = groupBy(
    failed.filter(({ kind }) => kind === 'client'),
    ({ fault }) => reasonOf(fault),
  );
  const many = [...alike].filter(([, { length }]) => length >= manyClients);
  const together = new Set(many.flatMap(([, trials]) => trials));
  return [
    ...many.map(([reason, trials]) => {
      const names = namedUpTo(
        namedClients,
        trials.map(({ what }) => what),
      );
      return `${counted(trials.length, 'client')} (${names}): ${reason}${nextStep(trials[0])}`;
    }),
    ...failed
      .filter((trial) => !together.has(trial))
      .map((trial) => {
        const { what, kind, fault } = trial;
        return kind === 'client'
          ? `client ${what}: ${wordsOf(fault)}${nextStep(trial)}`
          : withSubject(what, wordsOf(fault));
      }),
  ];
}

/** Returns the last line of the trials: `Failed: 2 of 3 logins. Works: state folder, database, 1 of 3 logins.` */
export function trialsLine(trials: readonly Trial[]): string {
  if (trials.every(({ fault }) => fault === null)) {
    return trials.length === 1 ? 'The trial succeeded.' : `All ${trials.length} trials succeeded.`;
  }
  const failed = subjectsOf(trials, ({ fault }) => fault !== null);
  const works = subjectsOf(trials, ({ fault }) => fault === null);
  return `Failed: ${failed.join(', ')}.${works.length === 0 ? '' : ` Works: ${works.join(', ')}.`}`;
}

function subjectsOf(trials: readonly Trial[], isChosen: (trial: Trial) => boolean): readonly string[] {
  const logins = trials.filter(({ kind }) => kind === 'client');
  const chosen = logins.filter(isChosen).length;
  return [
    ...trials.filter((trial) => trial.kind !== 'client' && isChosen(trial)).map(({ what }) => what),
    ...(chosen === 0 ? [] : [`${chosen} of ${counted(logins.length, 'login')}`]),
  ];
}

/** Returns the command to type after a failed login, as a sentence. Returns "" if the advice names one. */
function nextStep(trial: FailedTrial | undefined): string {
  if (trial === undefined || /fleet-health |ssh-keygen/.test(trial.fault.advice)) return '';
  const client = shellWord(trial.what);
  const command = installsKey.has(trial.fault.code) ? `authorize ${client} --script` : `check ${client}`;
  return `${/[.?!]$/.test(trial.fault.advice) ? '' : '.'} Next: fleet-health ${command}`;
}

type Fault = Pick<NonNullable<Trial['fault']>, 'message' | 'code' | 'advice'>;

function wordsOf({ message, code, advice }: Fault): string {
  return `${withoutStop(message)} (${code}). ${advice}`;
}

function reasonOf(fault: Fault): string {
  if (fault.code !== 'host-key-unknown' || !fault.advice.startsWith('fleet-health trust ')) {
    const { code, message, advice } = fault;
    return wordsOf({ code, message: connectFaultWords(code, message) ?? message, advice });
  }
  return 'known_hosts has no key for them yet (host-key-unknown). fleet-health trust shows their keys and asks once';
}
