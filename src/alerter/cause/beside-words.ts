/** src/alerter/cause: what may explain an alert: earlier changes that are hardly there by chance, looks from beside. */
import { groupBy } from '../../platform/group-by.ts';
import type { LookOutcome, UnaskedReason } from '../../report/beside.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import { quoted } from '../../text/plain-text.ts';

/** Codes of visits that the other side has answered. */
const answeredCodes: readonly (string | null)[] = ['connect-refused', 'handshake-failed'];

export interface BesideWording {
  /** The alert of the lost client. */
  readonly alert: Pick<Alert, 'progress'>;
  /** Formats a time for the reader. */
  readonly moment: (atMs: number) => string;
  /** The lost client's name. Default: `it`. */
  readonly what?: string;
}

/**
 * Describes what clients beside a lost one saw of it, as their claim: `Seen from beside it: db-2 reaches it, db-3 gets
 * no answer.` Says when that was if the alert has a newer visit: `Seen from beside it at 08:00: ...`. Without a wording
 * there is no time. Returns null if there is no look, or if nobody could look.
 */
export function besideSentence(look: StoredLook | null, wording: BesideWording | null = null): string | null {
  if (look === null || 'unasked' in look.beside) return null;
  const { atMs, code, reachedBefore } = look;
  const { from, port, seen } = look.beside;
  const byOutcome = groupBy(
    seen.filter(([, outcome]) => outcome !== 'unable'),
    ([, outcome]) => outcome,
  );
  if (byOutcome.size === 0) return null;
  const named = [...byOutcome].map(([outcome, own]) => ({ outcome, names: own.map(([name]) => quoted(name)) }));
  const [first, ...others] = named;
  const isAnswered = answeredCodes.includes(code);
  const words =
    first === undefined || others.length > 0
      ? `${named.map(({ outcome, names }) => verdict(outcome, names, 'it')).join(', ')}.`
      : whole(first, { from: quoted(from), port, code, isAnswered, mayFilter: reachedBefore.length === 0 });
  const isOld = wording !== null && wording.alert.progress.lastAtMs > atMs;
  return `Seen from beside ${wording?.what ?? 'it'}${isOld ? ` at ${wording.moment(atMs)}` : ''}: ${words}`;
}

function verdict(outcome: LookOutcome, names: readonly string[], whom: string): string {
  const [isOne, who] = [names.length === 1, names.join(' and ')];
  if (outcome === 'reached') return `${who} ${isOne ? 'reaches' : 'reach'} ${whom}`;
  if (outcome === 'refused') return `${who} ${isOne ? 'is' : 'are'} refused by it`;
  return `${who} ${isOne ? 'gets' : 'get'} no answer`;
}

interface Collector {
  readonly from: string;
  readonly port: number;
  readonly code: string | null;
  readonly isAnswered: boolean;
  /** False if one of those that get no answer has reached the client before. */
  readonly mayFilter: boolean;
}

/** Concludes from an outcome that all who could look share. */
function whole(
  { outcome, names }: { readonly outcome: LookOutcome; readonly names: readonly string[] },
  { from, port, code, isAnswered, mayFilter }: Collector,
): string {
  const seen = verdict(outcome, names, `its port ${port}`);
  if (outcome === 'refused') return `${seen}: the machine is up, its sshd is not.`;
  if (outcome === 'no answer') {
    const filter = mayFilter ? ` (a firewall that lets only ${from} in would look the same)` : '';
    return `${seen} from it${isAnswered ? '' : ' either'}${filter}.`;
  }
  if (code === 'connect-refused') return `${seen}: ${from} alone is refused.`;
  return isAnswered ? `${seen} too: the machine is up.` : `${seen}: the way from ${from} to it is broken.`;
}

const unaskedWords: Readonly<Record<UnaskedReason, string>> = {
  nobody: 'the run had visited no client of its subnet or group behind the same bastions',
  restricted: 'the keys of those beside it are restricted to their agent',
  time: 'the run had no time left for them, or they gave no answer in time',
  isolated: 'the collector reached nearly nobody in that run',
  address: 'the address that was dialled is not known to the collector',
  shared: 'several clients have its address',
  many: 'the run had more lost clients than clients are asked about',
};

/** Says why there is no sentence about an alert: its look, or null if none is stored. */
export function noSentenceWords(look: StoredLook | null, isOn: boolean): string {
  const isNot = 'Nobody beside it was asked whether it can be reached:';
  if (look === null) {
    return isOn
      ? `${isNot} neighbours="yes" was not in force at the visit with which the alert began to fire, or that visit was ` +
          'not of a full run, did not fail on the way to it, or failed at a bastion.'
      : `${isNot} neighbours="yes" is not in force for it.`;
  }
  if ('unasked' in look.beside) return `${isNot} ${unaskedWords[look.beside.unasked]}.`;
  const names = look.beside.seen.map(([name]) => quoted(name)).join(' and ');
  return `${names} ${look.beside.seen.length === 1 ? 'was' : 'were'} asked whether it can be reached, and could not look.`;
}
