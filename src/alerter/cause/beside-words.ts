/** src/alerter/cause: what may explain an alert: earlier changes that are hardly there by chance, looks from beside. */
import { groupBy } from '../../platform/group-by.ts';
import type { LookOutcome, UnaskedReason } from '../../report/beside.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import { quoted } from '../../text/plain-text.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';
import { lookAt } from './read-looks.ts';

/** Codes of visits that the other side has answered. */
const answeredCodes: readonly (string | null)[] = ['connect-refused', 'handshake-failed', 'handshake-closed'];

export interface BesideWording {
  /** The alert of the lost client. */
  readonly alert: Pick<Alert, 'progress'>;
  /** Formats a time for the reader. */
  readonly moment: (atMs: number) => string;
  /** The lost client's name. Default: `it`. */
  readonly what?: string;
}

/**
 * Describes what clients saw of a lost one, as their claim: `Seen from beside it: db-2 reaches it, db-3 gets no
 * answer.` Says whether they are beside it, and when that was if the alert has a newer visit. Without a wording there
 * is no time. A conclusion has all that would look the same. Returns null without a look, or if nobody could look.
 */
export function besideSentence(look: StoredLook | null, wording: BesideWording | null = null): string | null {
  if (look === null || 'unasked' in look.beside) return null;
  const { atMs, code, reachedBefore } = look;
  const { from, port, seen, near = 0 } = look.beside;
  const could = seen.flatMap(([name, outcome], index) =>
    outcome === 'unable' ? [] : [{ name, outcome, isNear: index < near }],
  );
  if (could.length === 0) return null;
  const named = [...groupBy(could, ({ outcome }) => outcome)].map(([outcome, own]) => ({
    outcome,
    names: own.map(({ name }) => quoted(name)),
  }));
  const [first, ...others] = named;
  const facts = {
    ...{ from: quoted(from), port, code, isAnswered: answeredCodes.includes(code) },
    isNear: could.some(({ isNear }) => isNear),
    hasReached: could.some(({ name }) => reachedBefore.includes(name)),
  };
  const words =
    first === undefined || others.length > 0
      ? `${named.map(({ outcome, names }) => verdict(outcome, names, 'it')).join(', ')}.`
      : whole(first, facts);
  const isOld = wording !== null && wording.alert.progress.lastAtMs > atMs;
  const whence = placeWords(could, wording?.what ?? 'it');
  return `Seen ${whence}${isOld ? ` at ${wording.moment(atMs)}` : ''}: ${words}`;
}

/** The most sentences about looks in a line. */
const maxSentences = 5;

interface SentencesOptions {
  readonly looks: ReadonlyMap<string, StoredLook>;
  readonly reader: TimeReader;
  /** True if a sentence names its client. Default: if there are several alerts. */
  readonly isNamed?: boolean;
}

/** Returns what clients beside unreachable ones saw of them, for a line of these alerts. */
export function besideSentences(
  alerts: readonly Alert[],
  { looks, reader, isNamed = alerts.length > 1 }: SentencesOptions,
): readonly string[] {
  if (looks.size === 0) return [];
  const moment = (atMs: number): string => momentInWords(reader, atMs);
  const sentences = alerts.flatMap((alert) => {
    const what = isNamed ? quoted(alert.client) : 'it';
    return besideSentence(lookAt(alert, looks), { alert, moment, what }) ?? [];
  });
  return sentences.slice(0, maxSentences);
}

/** Returns `from beside it`, or `of it from other networks` for clients that are of its group alone. */
function placeWords(could: readonly { readonly isNear: boolean }[], what: string): string {
  const far = could.filter(({ isNear }) => !isNear).length;
  if (far === 0) return `from beside ${what}`;
  const others = far === 1 ? 'another network' : 'other networks';
  return far < could.length ? `from beside ${what} and from ${others}` : `of ${what} from ${others}`;
}

function verdict(outcome: LookOutcome, names: readonly string[], whom: string): string {
  const [isOne, who] = [names.length === 1, names.join(' and ')];
  if (outcome === 'reached') return `${who} ${isOne ? 'reaches' : 'reach'} ${whom}`;
  if (outcome === 'refused') return `${who} ${isOne ? 'is' : 'are'} refused`;
  if (outcome === 'no banner') return `${who} ${isOne ? 'is' : 'are'} connected and not greeted by an SSH server`;
  if (outcome === 'no route') return `${who} ${isOne ? 'has' : 'have'} no route to its network`;
  return `${who} ${isOne ? 'gets' : 'get'} no answer`;
}

interface Facts {
  readonly from: string;
  readonly port: number;
  readonly code: string | null;
  readonly isAnswered: boolean;
  /** True if one of those that share the outcome is of the subnet of the client: no router is between the two. */
  readonly isNear: boolean;
  /** True if one of those that share the outcome has reached the client in an earlier look. */
  readonly hasReached: boolean;
}

/** Concludes from an outcome that all who could look share. */
function whole(
  { outcome, names }: { readonly outcome: LookOutcome; readonly names: readonly string[] },
  { from, port, code, isAnswered, isNear, hasReached }: Facts,
): string {
  const seen = verdict(outcome, names, `its port ${port}`);
  const them = names.length === 1 ? names.join() : 'them';
  switch (outcome) {
    case 'reached': {
      const elsewhere = isNear ? '' : ', or its address is another machine there';
      if (code === 'connect-refused') return `${seen}: it or a firewall refuses ${from}${elsewhere}.`;
      if (isAnswered) return `${seen}: it, or what stands before it, closes connections from ${from}${elsewhere}.`;
      return `${seen}: the way from ${from} to it is broken, or it drops what comes from ${from}${elsewhere}.`;
    }
    case 'refused': {
      // Nobody gets in: the collector was refused too, and no router is between the two.
      const firewall =
        isNear && code === 'connect-refused'
          ? 'its firewall refuses all'
          : `a firewall${isNear ? '' : ' or a router before it'} refuses ${them}`;
      return `${seen}: the machine is up, its sshd is not, or ${firewall}.`;
    }
    case 'no banner':
      return `${seen}: its sshd hangs or is not up, or something else answers ${them}.`;
    case 'no answer': {
      const alike = [
        ...(hasReached ? [] : [`a firewall between it and ${them}`]),
        ...(isNear ? [] : ['a broken line to its network']),
      ];
      const same = alike.length === 0 ? '' : ` (${alike.join(' or ')} would look the same)`;
      return `${seen} from it${isAnswered ? '' : ' either'}${same}.`;
    }
    default:
      return `${seen}.`;
  }
}

const unaskedWords: Readonly<Record<UnaskedReason, string>> = {
  nobody: 'the run had visited no client of its subnet or group behind the same bastions',
  restricted: 'the keys of those beside it are restricted to their agent',
  time: 'the run had no time left for them, or they gave no answer in time',
  isolated: 'the collector reached nearly nobody in that run',
  address: 'the address that was dialled is not known to the collector',
  shared: 'several clients have its address',
  many: 'the run had more lost clients than clients are asked about',
  local: 'its address is a machine of its own for each that dials it, such as 127.0.0.1, or the end of a tunnel here',
  back: 'it answered the collector again in the same run, when they were asked',
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
