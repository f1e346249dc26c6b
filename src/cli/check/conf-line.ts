import { madeKindOf, type MadeKind } from '../../report/checks.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import { shellWord } from '../../text/shell-word.ts';

/** Returns a check as a line of a conf file on the client (docs/checks.md). */
export function confLine(check: RequestedCheck): string {
  const { name, command, everySeconds, timeoutSeconds, format } = check;
  const options = [
    ...(everySeconds === undefined ? [] : [`every=${secondsText(everySeconds)}`]),
    ...(timeoutSeconds === undefined ? [] : [`timeout=${timeoutSeconds}s`]),
  ];
  const own = wordsOfAgent(check);
  if (own !== null) return [...own.slice(0, 2), ...options, ...own.slice(2)].map(confWord).join(' ');
  if (format !== undefined) options.push(`format=${format}`);
  return [confWord(name), ...options, ...command.map(confWord)].join(' ');
}

/** Returns the words of a line of a kind, without every= and timeout=; null for a command. */
function wordsOfAgent(check: RequestedCheck): readonly string[] | null {
  const kind = madeKindOf(check.format ?? '');
  return kind === null ? null : [kind, ...wordsOf[kind](check)];
}

type Words = (check: RequestedCheck) => readonly string[];

const serverWords: Words = ({ name, command: [kind = '', ...words] }) => [name.slice(kind.length + 1), ...words];

/** The words after the word of a kind, its name first. */
const wordsOf: Readonly<Record<MadeKind, Words>> = {
  certificate: ({ name, command: [kind = '', target = '', servername = '', warning, critical] }) => [
    name.slice('certificate:'.length),
    `warning=${secondsText(Number(warning))}`,
    `critical=${secondsText(Number(critical))}`,
    ...(servername === '' ? [] : [`servername=${servername}`]),
    `${kind}=${target}`,
  ],
  textfile: ({ command: [, dir = '', stale, metrics = ''] }) => [
    dir,
    `stale=${secondsText(Number(stale))}`,
    ...(metrics === '' ? [] : [`metrics=${metrics}`]),
  ],
  http: serverWords,
  tcp: serverWords,
  dns: serverWords,
};

/** Returns a word that conf files read as exactly this text. Quotes as for a shell, except the dash of an option. */
function confWord(text: string): string {
  return text.startsWith('-') ? `-${shellWord(text.slice(1)).replace(/^''$/, '')}` : shellWord(text);
}

/** Formats a duration in one unit, as conf files require. */
function secondsText(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const;
  const [unit, size] = units.find((candidate) => seconds % candidate[1] === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}
