import { groupBy } from '../../platform/group-by.ts';
import { connectFaultWords } from '../../connect-fault-words.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import type { Trial } from './try-connections.ts';

/** The least number of clients with the same fault that share a line. */
const manyClients = 4;
const namedClients = 3;

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
      return `${counted(trials.length, 'client')} (${names}): ${reason}`;
    }),
    ...failed
      .filter((trial) => !together.has(trial))
      .map(({ what, kind, fault }) => `${kind === 'client' ? `client ${what}` : what}: ${wordsOf(fault)}`),
  ];
}

type Fault = Pick<NonNullable<Trial['fault']>, 'message' | 'code' | 'advice'>;

function wordsOf({ message, code, advice }: Fault): string {
  return `${message} (${code}). ${advice}`;
}

function reasonOf(fault: Fault): string {
  if (fault.code !== 'host-key-unknown' || !fault.advice.startsWith('fleet-health trust ')) {
    const { code, message, advice } = fault;
    return wordsOf({ code, message: connectFaultWords(code, message) ?? message, advice });
  }
  return 'known_hosts has no key for them yet (host-key-unknown). fleet-health trust shows their keys and asks once';
}
