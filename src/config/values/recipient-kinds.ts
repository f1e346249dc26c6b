/** The beginnings of recipients by kind. No address begins with a bar or has a colon, so none can be confused. */
const marks = { webhook: 'webhook:', command: '|', mail: '' } as const;

/** The kind of a recipient: a mail address, a command of <notify>, or a webhook. */
export type RecipientKind = keyof typeof marks;

/**
 * Returns the recipient of a name: what everybody who is told is called in the configuration and in the database. Each
 * command has its own recipient, so that its refusals delay no other mails.
 */
export function recipientOf(kind: RecipientKind, name: string): string {
  return marks[kind] + name;
}

/** Returns the kind of a recipient, and its name: an address, a command line, or the name of a webhook. */
export function kindOfRecipient(recipient: string): { readonly kind: RecipientKind; readonly name: string } {
  const kind = (['webhook', 'command'] as const).find((one) => recipient.startsWith(marks[one])) ?? 'mail';
  return { kind, name: recipient.slice(marks[kind].length) };
}

/** Returns the name of a recipient of a kind; null for a recipient of another kind. */
export function nameIfKind(wanted: RecipientKind, recipient: string): string | null {
  const { kind, name } = kindOfRecipient(recipient);
  return kind === wanted ? name : null;
}

/** Returns a recipient as people call it: an address, a command line, or `webhook NAME`. */
export function recipientInWords(recipient: string): string {
  const { kind, name } = kindOfRecipient(recipient);
  return kind === 'webhook' ? `webhook ${name}` : name;
}
