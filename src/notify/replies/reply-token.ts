/**
 * Tokens of mails. Each is drawn by chance and stored with its mail: a token made by a keyed hash would need a key that
 * all alerters share and that is kept as long as the mails, and the mail's id in the address beside it. The mail itself
 * has to be stored for its alerts anyway.
 */
import { randomBytes } from 'node:crypto';

const tokenBytes = 12;
/** Mail servers may change the case. */
const form = new RegExp(`\\+([0-9a-f]{${2 * tokenBytes}})@`, 'i');

/** Returns a token that nobody can guess. */
export function newReplyToken(): string {
  return randomBytes(tokenBytes).toString('hex');
}

/** Returns the address that replies to the mail with the token are sent to. */
export function replyAddress(address: string, token: string): string {
  return address.replace(/@(?=[^@]*$)/, `+${token}@`);
}

/** Returns the first token among the addresses of headers; null: none. */
export function tokenIn(values: readonly string[]): string | null {
  for (const value of values) {
    const token = form.exec(value)?.[1];
    if (token !== undefined) return token.toLowerCase();
  }
  return null;
}
