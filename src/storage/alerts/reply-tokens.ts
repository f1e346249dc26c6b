/**
 * The tokens of mails in the table: a digest, so that a reader of the database cannot answer a mail. The token itself
 * stands in the text of the mail alone, as long as the mail is to be sent. A mail that was refused and is sent after
 * all gets another one.
 */
import { createHash } from 'node:crypto';

import type { Session } from '../sql/database.ts';

/** The places of a token: the address of replies, and the link. A soft line break may divide it (RFC 2045). */
const place = /(?:\+|reply\/)((?:(?:=\r?\n)?[0-9a-f]){24})(?![0-9a-f])/gi;
/** A place without its token. */
const emptied = /(?:\+|reply\/)((?:(?:=\r?\n)?x){24})(?![0-9a-fx])/g;
const base64Lines = /(?:^[A-Za-z0-9+/]{76}\r\n)*^[A-Za-z0-9+/]{2,76}={0,2}\r?$/gm;

/** Returns the digest of a token, as the table has it. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(`reply ${token}`).digest('hex');
}

/** Returns the text of a mail without the token that has this digest. */
export function withoutToken(content: string, digest: string): string {
  return inEachPart(content, (text) =>
    text.replace(place, (found: string, token: string) =>
      tokenDigest(token.replace(/=\r?\n/g, '').toLowerCase()) === digest
        ? found.slice(0, -token.length) + token.replace(/[0-9a-f]/gi, 'x')
        : found,
    ),
  );
}

/** Returns the text of a mail with a token in the places that withoutToken has emptied. */
export function withToken(content: string, token: string): string {
  return inEachPart(content, (text) =>
    text.replace(emptied, (found: string, gap: string) => {
      let at = 0;
      return found.slice(0, -gap.length) + gap.replace(/x/g, () => token[at++] ?? '');
    }),
  );
}

/** Changes the lines of a mail, and those that are packed as base64. The length stays. */
function inEachPart(content: string, change: (text: string) => string): string {
  return change(content).replace(base64Lines, (packed) => {
    const text = Buffer.from(packed, 'base64').toString('latin1');
    const changed = change(text);
    if (changed === text) return packed;
    const end = packed.endsWith('\r') ? '\r' : '';
    return (
      Buffer.from(changed, 'latin1')
        .toString('base64')
        .replace(/.{76}(?=.)/g, '$&\r\n') + end
    );
  });
}

/** Removes the token from the text of a mail that was sent, refused, replaced or given up. */
export async function forgetToken(session: Session, mailId: number): Promise<void> {
  const [mail] = await session.all(
    `SELECT content, reply_token FROM mails WHERE id = ? AND reply_token IS NOT NULL
      AND (sent_at IS NOT NULL OR failed_at IS NOT NULL OR replaced_by IS NOT NULL)`,
    [mailId],
  );
  if (mail === undefined) return;
  const content = String(mail['content']);
  const without = withoutToken(content, String(mail['reply_token']));
  if (without !== content) await session.run('UPDATE mails SET content = ? WHERE id = ?', [without, mailId]);
}

/** Gives a refused mail without a token, which is to be sent after all, another token. */
export async function renewToken(session: Session, mailId: number, token: string): Promise<void> {
  const [mail] = await session.all('SELECT content FROM mails WHERE id = ? AND reply_token IS NOT NULL', [mailId]);
  const content = String(mail?.['content'] ?? '');
  const renewed = withToken(content, token);
  if (renewed === content) return;
  await session.run('UPDATE mails SET content = ?, reply_token = ? WHERE id = ?', [
    renewed,
    tokenDigest(token),
    mailId,
  ]);
}
