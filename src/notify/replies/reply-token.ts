/**
 * Tokens of mails. Each token is random, and its digest is stored with its mail, which has to be stored for its alerts
 * anyway. A token made by a keyed hash would need the mail's id in the address. It would also need a key that all
 * alerters share and keep as long as the mails.
 */
import { randomBytes } from 'node:crypto';

const tokenBytes = 12;
/** The form of an address with a token. Mail programs may change the case, and quote the part before the @. */
const form = new RegExp(`\\+([0-9a-f]{${2 * tokenBytes}})"?@`, 'i');

/** Returns an unguessable token. */
export function newReplyToken(): string {
  return randomBytes(tokenBytes).toString('hex');
}

/** True if a text has the form of a token, as links have it. */
export function isReplyToken(text: string): boolean {
  return text.length === 2 * tokenBytes && /^[0-9a-f]+$/.test(text);
}

/** Returns the link to the page that answers the mail with the token. */
export function replyLink(pages: string, token: string): string {
  return `${pages}reply/${token}`;
}

/** Returns the address for replies to the mail with the token. */
export function replyAddress(address: string, token: string): string {
  return address.replace(/@(?=[^@]*$)/, `+${token}@`);
}

/** Returns the first token among the addresses of headers; null if there is none. */
export function tokenIn(values: readonly string[]): string | null {
  for (const value of values) {
    const token = form.exec(value)?.[1];
    if (token !== undefined) return token.toLowerCase();
  }
  return null;
}
