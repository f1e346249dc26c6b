/**
 * The tokens of mails in the table: a digest, so that a reader of the database cannot answer a mail. The token itself
 * stands in the text of the mail alone, until the mail is sent.
 */
import { createHash } from 'node:crypto';

import type { Session } from '../sql/database.ts';

/** The places of a token: the address of replies, and the link. A soft line break may divide it (RFC 2045). */
const place = /(?:\+|reply\/)((?:(?:=\r?\n)?[0-9a-f]){24})(?![0-9a-f])/gi;
const base64Lines = /(?:^[A-Za-z0-9+/]{76}\r\n)*^[A-Za-z0-9+/]{2,76}={0,2}\r?$/gm;

/** Returns the digest of a token, as the table has it. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(`reply ${token}`).digest('hex');
}

/** Returns the text of a mail without the token that has this digest. */
export function withoutToken(content: string, digest: string): string {
  const plain = withoutPlainToken(content, digest);
  return plain.replace(base64Lines, (packed) => {
    const text = Buffer.from(packed, 'base64').toString('latin1');
    const without = withoutPlainToken(text, digest);
    if (without === text) return packed;
    const end = packed.endsWith('\r') ? '\r' : '';
    return (
      Buffer.from(without, 'latin1')
        .toString('base64')
        .replace(/.{76}(?=.)/g, '$&\r\n') + end
    );
  });
}

function withoutPlainToken(text: string, digest: string): string {
  return text.replace(place, (found: string, token: string) =>
    tokenDigest(token.replace(/=\r?\n/g, '').toLowerCase()) === digest
      ? found.slice(0, -token.length) + token.replace(/[0-9a-f]/gi, 'x')
      : found,
  );
}

/** Removes the token from the text of a mail that was sent. */
export async function forgetToken(session: Session, mailId: number): Promise<void> {
  const [mail] = await session.all(
    'SELECT content, reply_token FROM mails WHERE id = ? AND sent_at IS NOT NULL AND reply_token IS NOT NULL',
    [mailId],
  );
  if (mail === undefined) return;
  const content = String(mail['content']);
  const without = withoutToken(content, String(mail['reply_token']));
  if (without !== content) await session.run('UPDATE mails SET content = ? WHERE id = ?', [without, mailId]);
}
