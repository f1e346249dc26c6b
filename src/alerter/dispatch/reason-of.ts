import { oneLine } from '../../text/plain-text.ts';
import type { Item } from './notification-plan.ts';

/** What a client's name was resolved to. */
export const ipv4 = /^(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?$/;

/** The reason without the client's own address, so that many clients have the same one; null: a number, or no reason. */
export function reasonOf({ rule, client, address, alert }: Item): string | null {
  if (alert.value !== null || client === '') return null;
  const text = oneLine(alert.valueText);
  if (rule !== 'unreachable') return text === '' ? null : text;
  const words = text.replace(/^network: /, '').replace(/\b(\d+)000 ms\b/g, '$1 s');
  const own = [address, client].flatMap((name) => (name === null || name === '' ? [] : [name, `[${name}]`]));
  const isOwn = (word: string): boolean =>
    own.includes(word) || own.includes(word.replace(/:\d+$/, '')) || ipv4.test(word);
  return words
    .split(' ')
    .filter((word) => !isOwn(word))
    .join(' ');
}
