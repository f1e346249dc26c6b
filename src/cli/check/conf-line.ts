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

/** Returns the words of a line for a certificate or textfiles, without every= and timeout=; null for a command. */
function wordsOfAgent({ name, command, format }: RequestedCheck): readonly string[] | null {
  const [kind = '', target = '', third = '', fourth = '', fifth = ''] = command;
  if (format === 'textfile') {
    const metrics = fourth === '' ? [] : [`metrics=${fourth}`];
    return ['textfile', target, `stale=${secondsText(Number(third))}`, ...metrics];
  }
  if (format !== 'certificate') return null;
  const limits = [`warning=${secondsText(Number(fourth))}`, `critical=${secondsText(Number(fifth))}`];
  const server = third === '' ? [] : [`servername=${third}`];
  return ['certificate', name.slice('certificate:'.length), ...limits, ...server, `${kind}=${target}`];
}

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
