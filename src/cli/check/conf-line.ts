import type { RequestedCheck } from '../../report/wire.ts';
import { shellWord } from '../../text/shell-word.ts';

/** Returns a check as a line of a conf file on the client (docs/checks.md). */
export function confLine({ name, command, everySeconds, timeoutSeconds, format }: RequestedCheck): string {
  const options = [
    ...(everySeconds === undefined ? [] : [`every=${secondsText(everySeconds)}`]),
    ...(timeoutSeconds === undefined ? [] : [`timeout=${timeoutSeconds}s`]),
    ...(format === undefined ? [] : [`format=${format}`]),
  ];
  return [confWord(name), ...options, ...command.map(confWord)].join(' ');
}

/** Returns a word that conf files read as exactly this text: as a shell does, and an option needs no quotes. */
function confWord(text: string): string {
  return text.startsWith('-') ? `-${shellWord(text.slice(1)).replace(/^''$/, '')}` : shellWord(text);
}

/** Conf files know one unit a time. */
function secondsText(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const;
  const [unit, size] = units.find((candidate) => seconds % candidate[1] === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}
